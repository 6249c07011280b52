-- What happened: the journal with its chain, decisions, the ledger, the outbox, rule sets.
-- Journal, decisions and ledger only grow. What is older than parameter 63 keeps it loses who it
-- was about: the row stays, and what it said of people goes. The chain covers the seal of that part
-- and not the part itself, so it holds before and after.

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
    ledger_seq   BIGINT NOT NULL, -- the last transaction of the ledger, and its hash
    ledger_hash  BLOB   NOT NULL,
    row_count    BIGINT NOT NULL, -- rows that the batch wrote before this one
    turn         BIGINT NOT NULL, -- counts the batches of all daemons
    sums         BLOB   NOT NULL, -- what all sealed tables hold together, after this batch
    seal         BLOB   NOT NULL
);

-- What seals are made with, where daemons share a server. Beside a file it is a file of its own.
CREATE TABLE audit_key (
    id  BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    key BLOB   NOT NULL
);

-- The journal: one chain for each daemon. People appear in it by id alone.
CREATE TABLE journal (
    daemon     BIGINT NOT NULL,
    seq        BIGINT NOT NULL, -- from 1, without gaps
    at         BIGINT NOT NULL, -- effective time
    device     TEXT,
    boot       BIGINT,          -- boot and sequence of the device's message
    device_seq BIGINT,
    kind       TEXT   NOT NULL, -- what kind of line it is
    noted      TEXT,            -- JSON; nothing once a line that told of people is forgotten
    salt       BLOB,            -- of the seal; goes with what it seals
    -- of a line that tells of people: BLAKE3 of the salt and of what is noted
    seal       BLOB,
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
    consulted  BIGINT NOT NULL, -- parameters, one bit each
    tripped    BIGINT NOT NULL, -- parameters that the reasons name
    rule_set   TEXT   NOT NULL, -- hash
    -- the member on that day of UTC; nobody can tell who once the day's key is gone
    pseudonym  BLOB,
    -- BLAKE3 of the salt and of what follows it, which goes when the row is forgotten
    seal       BLOB   NOT NULL,
    salt       BLOB,
    member     BLOB,
    credential BLOB,
    body       TEXT             -- the whole record as JSON
);

-- The keys of the last days' pseudonyms.
CREATE TABLE pseudonym_key (
    day  BIGINT NOT NULL PRIMARY KEY, -- days of UTC since 1970
    seal BLOB   NOT NULL,
    key  BLOB   NOT NULL
);

-- What still tells of people, by age.
CREATE INDEX decision_of_people ON decision (kind, at) WHERE salt IS NOT NULL;
CREATE INDEX journal_of_people ON journal (kind, at) WHERE salt IS NOT NULL;
-- Sessions of tills that are over, for their Z reports.
CREATE INDEX journal_of_sessions ON journal (device, at) WHERE kind = 'session_closed';
-- Commands that failed, for the explanation of their decisions.
CREATE INDEX journal_of_failures ON journal (device, at) WHERE kind = 'command_failed';

-- Transactions of the ledger. A row here seals its postings, so it comes after them.
CREATE TABLE ledger_transaction (
    id         BLOB   NOT NULL PRIMARY KEY,
    daemon     BIGINT NOT NULL, -- one chain for each daemon
    seq        BIGINT NOT NULL, -- from 1, without gaps
    at         BIGINT NOT NULL,
    -- the same thing is never charged twice
    charge_key TEXT   NOT NULL CONSTRAINT charged_once UNIQUE,
    purpose    TEXT   NOT NULL, -- entry, sale, payment, reversal and so on
    device     TEXT,            -- the gate or terminal
    operator   TEXT,            -- the login
    decision   BLOB  ,
    -- what it takes back, which is taken back once
    reverses   BLOB   CONSTRAINT reversed_once UNIQUE REFERENCES ledger_transaction (id),
    note       TEXT   NOT NULL, -- why, where somebody said so
    -- BLAKE3 of the transaction before, of this one and of its postings
    hash       BLOB   NOT NULL CHECK (length(hash) = 32),
    UNIQUE (daemon, seq),
    CHECK ((purpose = 'reversal') = (reverses IS NOT NULL))
) WITHOUT ROWID;
-- reports and exports ask for a period
CREATE INDEX transaction_at ON ledger_transaction (at);

-- Postings. Those without a sealed transaction do not survive the commit.
CREATE TABLE posting (
    transaction_id BLOB   NOT NULL REFERENCES ledger_transaction (id) DEFERRABLE INITIALLY DEFERRED,
    line           BIGINT NOT NULL, -- from 1
    account        BLOB   NOT NULL REFERENCES account (id) DEFERRABLE INITIALLY DEFERRED,
    amount         BIGINT NOT NULL  -- what is added to the balance
        CHECK (amount <> 0 AND amount BETWEEN -1000000000000000000 AND 1000000000000000000),
    PRIMARY KEY (transaction_id, line)
) WITHOUT ROWID;
-- what moved a guest's wallet
CREATE INDEX posting_of_account ON posting (account);

-- Receipts of tills. They are never changed; what is taken back makes a receipt of its own.
CREATE TABLE receipt (
    till           TEXT   NOT NULL,
    number         BIGINT NOT NULL, -- counted by each till, without gaps
    seal           BLOB   NOT NULL,
    at             BIGINT NOT NULL,
    session        BIGINT NOT NULL, -- of the till
    operator       TEXT   NOT NULL,
    decision       BLOB   NOT NULL,
    transaction_id BLOB   REFERENCES ledger_transaction (id) DEFERRABLE INITIALLY DEFERRED,
    body           TEXT   NOT NULL, -- JSON: lines, payments
    PRIMARY KEY (till, number)
) WITHOUT ROWID;
CREATE INDEX receipt_of_decision ON receipt (decision);
-- each new transaction looks for what refers to it
CREATE INDEX receipt_of_transaction ON receipt (transaction_id);

-- Commands that leave after the commit; rows go once they can no longer take effect.
CREATE TABLE outbox (
    id       BLOB   NOT NULL PRIMARY KEY,
    seal     BLOB   NOT NULL,
    daemon   BIGINT NOT NULL, -- whose batch it is
    device   TEXT   NOT NULL,
    decision BLOB,
    issued   BIGINT NOT NULL,
    ttl      BIGINT NOT NULL, -- span
    epoch    BIGINT NOT NULL,
    expires  BIGINT NOT NULL, -- last instant at which it may take effect: issued + ttl
    action   TEXT   NOT NULL  -- JSON
) WITHOUT ROWID;

-- Who held which band, card or ticket: what became of each, and by whom. It only grows; what is
-- older than parameter 63 keeps it loses who it was about.
CREATE TABLE credential_history (
    id         BLOB   NOT NULL PRIMARY KEY,
    seal       BLOB   NOT NULL,
    uid        TEXT   NOT NULL, -- what readers see
    credential BLOB   NOT NULL, -- the same band given to somebody else is another one
    at         BIGINT NOT NULL,
    event      TEXT   NOT NULL, -- issued, returned, lost, stolen, blocked, unblocked, replaced
    decision   BLOB,            -- that allowed it
    member     BLOB,            -- who held it; nothing once the line is forgotten
    operator   TEXT,
    reason     TEXT
) WITHOUT ROWID;
CREATE INDEX history_of_uid ON credential_history (uid, at);
CREATE INDEX history_of_people ON credential_history (event, at) WHERE member IS NOT NULL;

-- What daemons that share a database tell each other: the rows that a batch changed, and the
-- commands that it left for the devices of others. Only the last ones are kept; a database of one
-- daemon has none.
CREATE TABLE news (
    seq    BIGINT NOT NULL PRIMARY KEY,
    daemon BIGINT NOT NULL,
    rows   TEXT   NOT NULL -- JSON
);

-- The texts of every rule set that was ever in force.
CREATE TABLE rule_set (
    hash    TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    texts   TEXT   NOT NULL, -- JSON array of [file, text]
    live_at BIGINT NOT NULL  -- when it last went live
);

CREATE TRIGGER journal_is_not_changed BEFORE UPDATE ON journal
WHEN NOT (old.salt IS NOT NULL AND new.salt IS NULL AND new.noted IS NULL AND new.daemon IS
    old.daemon AND new.seq IS old.seq AND new.at IS old.at AND new.device IS old.device AND
    new.boot IS old.boot AND new.device_seq IS old.device_seq AND new.kind IS old.kind AND
    new.seal IS old.seal AND new.decision IS old.decision AND new.content IS old.content AND
    new.hash IS old.hash)
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER journal_is_not_deleted BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

CREATE TRIGGER decision_is_not_changed BEFORE UPDATE ON decision
WHEN NOT (old.salt IS NOT NULL AND new.salt IS NULL AND new.member IS NULL AND new.credential IS
    NULL AND new.body IS NULL AND new.id IS old.id AND new.at IS old.at AND new.kind IS old.kind
    AND new.device IS old.device AND new.direction IS old.direction AND new.outcome IS
    old.outcome AND new.reason IS old.reason AND new.consulted IS old.consulted AND new.tripped
    IS old.tripped AND new.rule_set IS old.rule_set AND new.pseudonym IS old.pseudonym AND
    new.seal IS old.seal)
BEGIN SELECT RAISE(ABORT, 'decisions are never changed'); END;
CREATE TRIGGER decision_is_not_deleted BEFORE DELETE ON decision
BEGIN SELECT RAISE(ABORT, 'decisions are never deleted'); END;

CREATE TRIGGER credential_history_is_not_changed BEFORE UPDATE ON credential_history
WHEN NOT (old.member IS NOT NULL AND new.member IS NULL AND new.operator IS NULL AND new.reason IS
    NULL AND new.id IS old.id AND new.uid IS old.uid AND new.credential IS old.credential AND
    new.at IS old.at AND new.event IS old.event AND new.decision IS old.decision)
BEGIN SELECT RAISE(ABORT, 'the history of credentials only grows'); END;
CREATE TRIGGER credential_history_is_not_deleted BEFORE DELETE ON credential_history
BEGIN SELECT RAISE(ABORT, 'the history of credentials only grows'); END;

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
WHEN (SELECT count(*) < 2 FROM posting WHERE transaction_id = new.id) OR EXISTS
    (SELECT 1 FROM posting JOIN account ON account.id = posting.account
        WHERE transaction_id = new.id GROUP BY currency HAVING sum(amount) <> 0)
BEGIN
    SELECT RAISE(ABORT, 'the postings of a transaction add up to nothing and are two at least');
END;

CREATE TRIGGER receipt_is_not_changed BEFORE UPDATE ON receipt
BEGIN SELECT RAISE(ABORT, 'receipts are never changed'); END;
CREATE TRIGGER receipt_is_not_deleted BEFORE DELETE ON receipt
BEGIN SELECT RAISE(ABORT, 'receipts are never deleted'); END;
