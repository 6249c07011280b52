-- What happened: the journal with its chain, decisions, the ledger, the outbox, rule sets.
-- Journal, decisions and ledger only grow.

-- The last batch of each daemon, written at the end of its transaction. It tells whether a commit
-- with an
-- unknown end came through, and where the journal ends, so that a cut tail is noticed.
CREATE TABLE batch (
    daemon       BIGINT NOT NULL PRIMARY KEY REFERENCES daemon (id),
    epoch        BIGINT NOT NULL,
    number       BIGINT NOT NULL,
    committed_at BIGINT NOT NULL,
    journal_seq  BIGINT NOT NULL, -- the last line of the journal, and its hash
    journal_hash BLOB   NOT NULL,
    row_count    BIGINT NOT NULL  -- rows that the batch wrote before this one
);

-- The journal: one chain for each daemon. People appear in it by id alone.
CREATE TABLE journal (
    daemon     BIGINT NOT NULL,
    seq        BIGINT NOT NULL, -- from 1, without gaps
    at         BIGINT NOT NULL, -- effective time
    device     TEXT,
    boot       BIGINT,          -- boot and sequence of the device's message
    device_seq BIGINT,
    noted      TEXT   NOT NULL, -- JSON
    decision   BLOB,            -- the decision that this line records
    content    BLOB,            -- BLAKE3 of that decision's row
    -- BLAKE3 of the line before and of this line
    hash       BLOB   NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (daemon, seq)
) WITHOUT ROWID;

-- Decisions, each with everything that explains it and asks it again.
CREATE TABLE decision (
    id         BLOB   NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL, -- the effective time that it was decided for
    kind       TEXT   NOT NULL,
    device     TEXT   NOT NULL,
    direction  TEXT   NOT NULL, -- entry, exit; empty where it is no gate
    outcome    TEXT   NOT NULL,
    reason     TEXT   NOT NULL, -- code of the primary reason
    member     BLOB,
    credential BLOB,
    consulted  BIGINT NOT NULL, -- parameters, one bit each
    tripped    BIGINT NOT NULL, -- parameters that the reasons name
    rule_set   TEXT   NOT NULL, -- hash
    body       TEXT   NOT NULL  -- the whole record as JSON
);

-- Transactions of the ledger. A row here seals its postings, so it comes after them.
CREATE TABLE ledger_transaction (
    id         BLOB   NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    -- the same thing is never charged twice
    charge_key TEXT   NOT NULL CONSTRAINT charged_once UNIQUE
) WITHOUT ROWID;

-- Postings. Those without a sealed transaction do not survive the commit.
CREATE TABLE posting (
    transaction_id BLOB   NOT NULL REFERENCES ledger_transaction (id) DEFERRABLE INITIALLY DEFERRED,
    line           BIGINT NOT NULL, -- from 1
    account        BLOB   NOT NULL REFERENCES account (id) DEFERRABLE INITIALLY DEFERRED,
    amount         BIGINT NOT NULL, -- what is added to the balance
    PRIMARY KEY (transaction_id, line)
) WITHOUT ROWID;

-- Commands that leave after the commit; rows go once they can no longer take effect.
CREATE TABLE outbox (
    id       BLOB   NOT NULL PRIMARY KEY,
    device   TEXT   NOT NULL,
    decision BLOB,
    issued   BIGINT NOT NULL,
    ttl      BIGINT NOT NULL, -- span
    epoch    BIGINT NOT NULL,
    expires  BIGINT NOT NULL, -- last instant at which it may take effect: issued + ttl
    action   TEXT   NOT NULL  -- JSON
) WITHOUT ROWID;

-- The texts of every rule set that was ever in force.
CREATE TABLE rule_set (
    hash    TEXT   NOT NULL PRIMARY KEY,
    texts   TEXT   NOT NULL, -- JSON array of [file, text]
    live_at BIGINT NOT NULL  -- when it last went live
);

CREATE TRIGGER journal_is_not_changed BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER journal_is_not_deleted BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

CREATE TRIGGER decision_is_not_changed BEFORE UPDATE ON decision
BEGIN SELECT RAISE(ABORT, 'decisions are never changed'); END;
CREATE TRIGGER decision_is_not_deleted BEFORE DELETE ON decision
BEGIN SELECT RAISE(ABORT, 'decisions are never deleted'); END;

CREATE TRIGGER posting_is_not_changed BEFORE UPDATE ON posting
BEGIN SELECT RAISE(ABORT, 'postings are never changed'); END;
CREATE TRIGGER posting_is_not_deleted BEFORE DELETE ON posting
BEGIN SELECT RAISE(ABORT, 'postings are never deleted'); END;
CREATE TRIGGER posting_joins_no_sealed_transaction BEFORE INSERT ON posting
WHEN EXISTS (SELECT 1 FROM ledger_transaction WHERE id = new.transaction_id)
BEGIN SELECT RAISE(ABORT, 'the transaction is sealed'); END;

CREATE TRIGGER ledger_transaction_is_not_changed BEFORE UPDATE ON ledger_transaction
BEGIN SELECT RAISE(ABORT, 'transactions are never changed'); END;
CREATE TRIGGER ledger_transaction_is_not_deleted BEFORE DELETE ON ledger_transaction
BEGIN SELECT RAISE(ABORT, 'transactions are never deleted'); END;
CREATE TRIGGER ledger_transaction_is_balanced BEFORE INSERT ON ledger_transaction
WHEN (SELECT count(*) < 2 OR sum(amount) <> 0 FROM posting WHERE transaction_id = new.id)
BEGIN
    SELECT RAISE(ABORT, 'the postings of a transaction add up to nothing and are two at least');
END;
