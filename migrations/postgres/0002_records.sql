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
    journal_hash BYTEA  NOT NULL,
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
    decision   UUID,            -- the decision that this line records
    content    BYTEA,           -- BLAKE3 of that decision's row
    -- BLAKE3 of the line before and of this line
    hash       BYTEA  NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (daemon, seq)
);

-- Decisions, each with everything that explains it and asks it again.
CREATE TABLE decision (
    id         UUID   NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL, -- the effective time that it was decided for
    kind       TEXT   NOT NULL,
    device     TEXT   NOT NULL,
    direction  TEXT   NOT NULL, -- entry, exit; empty where it is no gate
    outcome    TEXT   NOT NULL,
    reason     TEXT   NOT NULL, -- code of the primary reason
    member     UUID,
    credential UUID,
    consulted  BIGINT NOT NULL, -- parameters, one bit each
    tripped    BIGINT NOT NULL, -- parameters that the reasons name
    rule_set   TEXT   NOT NULL, -- hash
    body       TEXT   NOT NULL  -- the whole record as JSON
);

-- Transactions of the ledger. A row here seals its postings, so it comes after them.
CREATE TABLE ledger_transaction (
    id         UUID   NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    -- the same thing is never charged twice
    charge_key TEXT   NOT NULL CONSTRAINT charged_once UNIQUE
);

-- Postings. Those without a sealed transaction do not survive the commit.
CREATE TABLE posting (
    transaction_id UUID   NOT NULL REFERENCES ledger_transaction (id) DEFERRABLE INITIALLY DEFERRED,
    line           BIGINT NOT NULL, -- from 1
    account        UUID   NOT NULL REFERENCES account (id) DEFERRABLE INITIALLY DEFERRED,
    amount         BIGINT NOT NULL, -- what is added to the balance
    PRIMARY KEY (transaction_id, line)
);

-- Commands that leave after the commit; rows go once they can no longer take effect.
CREATE TABLE outbox (
    id       UUID   NOT NULL PRIMARY KEY,
    device   TEXT   NOT NULL,
    decision UUID,
    issued   BIGINT NOT NULL,
    ttl      BIGINT NOT NULL, -- span
    epoch    BIGINT NOT NULL,
    expires  BIGINT NOT NULL, -- last instant at which it may take effect: issued + ttl
    action   TEXT   NOT NULL  -- JSON
);

-- The texts of every rule set that was ever in force.
CREATE TABLE rule_set (
    hash    TEXT   NOT NULL PRIMARY KEY,
    texts   TEXT   NOT NULL, -- JSON array of [file, text]
    live_at BIGINT NOT NULL  -- when it last went live
);

-- Refuses what the trigger names in its argument.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER journal_only_grows BEFORE UPDATE OR DELETE ON journal
FOR EACH ROW EXECUTE FUNCTION refuse('the journal only grows');
CREATE TRIGGER decision_stays BEFORE UPDATE OR DELETE ON decision
FOR EACH ROW EXECUTE FUNCTION refuse('decisions are never changed or deleted');
CREATE TRIGGER posting_stays BEFORE UPDATE OR DELETE ON posting
FOR EACH ROW EXECUTE FUNCTION refuse('postings are never changed or deleted');
CREATE TRIGGER ledger_transaction_stays BEFORE UPDATE OR DELETE ON ledger_transaction
FOR EACH ROW EXECUTE FUNCTION refuse('transactions are never changed or deleted');

CREATE FUNCTION posting_joins_no_sealed_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM ledger_transaction WHERE id = new.transaction_id) THEN
        RAISE EXCEPTION 'the transaction is sealed'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER posting_joins_no_sealed_transaction BEFORE INSERT ON posting
FOR EACH ROW EXECUTE FUNCTION posting_joins_no_sealed_transaction();

CREATE FUNCTION ledger_transaction_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) < 2 OR sum(amount) <> 0 FROM posting WHERE transaction_id = new.id) THEN
        RAISE EXCEPTION 'the postings of a transaction add up to nothing and are two at least'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER ledger_transaction_is_balanced BEFORE INSERT ON ledger_transaction
FOR EACH ROW EXECUTE FUNCTION ledger_transaction_is_balanced();
