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
    journal_hash BYTEA  NOT NULL,
    ledger_seq   BIGINT NOT NULL, -- the last transaction of the ledger, and its hash
    ledger_hash  BYTEA  NOT NULL,
    row_count    BIGINT NOT NULL, -- rows that the batch wrote before this one
    turn         BIGINT NOT NULL, -- counts the batches of all daemons
    sums         BYTEA  NOT NULL, -- what all sealed tables hold together, after this batch
    seal         BYTEA  NOT NULL
);
-- They are rewritten with every batch: kept in the row, not beside it.
ALTER TABLE batch ALTER COLUMN sums SET STORAGE PLAIN;

-- What seals are made with, where daemons share a server. Beside a file it is a file of its own.
CREATE TABLE audit_key (
    id  BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    key BYTEA  NOT NULL
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
    salt       BYTEA,           -- of the seal; goes with what it seals
    -- of a line that tells of people: BLAKE3 of the salt and of what is noted
    seal       BYTEA,
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
    consulted  BIGINT NOT NULL, -- parameters, one bit each
    tripped    BIGINT NOT NULL, -- parameters that the reasons name
    rule_set   TEXT   NOT NULL, -- hash
    -- the member on that day of UTC; nobody can tell who once the day's key is gone
    pseudonym  BYTEA,
    -- BLAKE3 of the salt and of what follows it, which goes when the row is forgotten
    seal       BYTEA  NOT NULL,
    salt       BYTEA,
    member     UUID,
    credential UUID,
    body       TEXT             -- the whole record as JSON
);
-- Where the server has LZ4, a record is packed in a fraction of the time of its own way.
DO $$ BEGIN
    ALTER TABLE decision ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;

-- The keys of the last days' pseudonyms.
CREATE TABLE pseudonym_key (
    day  BIGINT NOT NULL PRIMARY KEY, -- days of UTC since 1970
    seal BYTEA  NOT NULL,
    key  BYTEA  NOT NULL
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
    id         UUID   NOT NULL PRIMARY KEY,
    daemon     BIGINT NOT NULL, -- one chain for each daemon
    seq        BIGINT NOT NULL, -- from 1, without gaps
    at         BIGINT NOT NULL,
    -- the same thing is never charged twice
    charge_key TEXT   NOT NULL CONSTRAINT charged_once UNIQUE,
    purpose    TEXT   NOT NULL, -- entry, sale, payment, reversal and so on
    device     TEXT,            -- the gate or terminal
    operator   TEXT,            -- the login
    decision   UUID  ,
    -- what it takes back, which is taken back once
    reverses   UUID   CONSTRAINT reversed_once UNIQUE REFERENCES ledger_transaction (id),
    note       TEXT   NOT NULL, -- why, where somebody said so
    -- BLAKE3 of the transaction before, of this one and of its postings
    hash       BYTEA  NOT NULL CHECK (length(hash) = 32),
    UNIQUE (daemon, seq),
    CHECK ((purpose = 'reversal') = (reverses IS NOT NULL))
);
-- reports and exports ask for a period
CREATE INDEX transaction_at ON ledger_transaction (at);

-- Postings. Those without a sealed transaction do not survive the commit.
CREATE TABLE posting (
    transaction_id UUID   NOT NULL REFERENCES ledger_transaction (id) DEFERRABLE INITIALLY DEFERRED,
    line           BIGINT NOT NULL, -- from 1
    account        UUID   NOT NULL REFERENCES account (id) DEFERRABLE INITIALLY DEFERRED,
    amount         BIGINT NOT NULL  -- what is added to the balance
        CHECK (amount <> 0 AND amount BETWEEN -1000000000000000000 AND 1000000000000000000),
    PRIMARY KEY (transaction_id, line)
);
-- what moved a guest's wallet
CREATE INDEX posting_of_account ON posting (account);

-- Receipts of tills. They are never changed; what is taken back makes a receipt of its own.
CREATE TABLE receipt (
    till           TEXT   NOT NULL,
    number         BIGINT NOT NULL, -- counted by each till, without gaps
    seal           BYTEA  NOT NULL,
    at             BIGINT NOT NULL,
    session        BIGINT NOT NULL, -- of the till
    operator       TEXT   NOT NULL,
    decision       UUID   NOT NULL,
    transaction_id UUID   REFERENCES ledger_transaction (id) DEFERRABLE INITIALLY DEFERRED,
    body           TEXT   NOT NULL, -- JSON: lines, payments
    PRIMARY KEY (till, number)
);
CREATE INDEX receipt_of_decision ON receipt (decision);
-- each new transaction looks for what refers to it
CREATE INDEX receipt_of_transaction ON receipt (transaction_id);

-- Commands that leave after the commit; rows go once they can no longer take effect.
CREATE TABLE outbox (
    id       UUID   NOT NULL PRIMARY KEY,
    seal     BYTEA  NOT NULL,
    daemon   BIGINT NOT NULL, -- whose batch it is
    device   TEXT   NOT NULL,
    decision UUID,
    issued   BIGINT NOT NULL,
    ttl      BIGINT NOT NULL, -- span
    epoch    BIGINT NOT NULL,
    expires  BIGINT NOT NULL, -- last instant at which it may take effect: issued + ttl
    action   TEXT   NOT NULL  -- JSON
);

-- Who held which band, card or ticket: what became of each, and by whom. It only grows; what is
-- older than parameter 63 keeps it loses who it was about.
CREATE TABLE credential_history (
    id         UUID   NOT NULL PRIMARY KEY,
    seal       BYTEA  NOT NULL,
    uid        TEXT   NOT NULL, -- what readers see
    credential UUID   NOT NULL, -- the same band given to somebody else is another one
    at         BIGINT NOT NULL,
    event      TEXT   NOT NULL, -- issued, returned, lost, stolen, blocked, unblocked, replaced
    decision   UUID,            -- that allowed it
    member     UUID,            -- who held it; nothing once the line is forgotten
    operator   TEXT,
    reason     TEXT
);
CREATE INDEX history_of_uid ON credential_history (uid, at);
CREATE INDEX history_of_people ON credential_history (event, at) WHERE member IS NOT NULL;

-- What daemons that share a database tell each other: the rows that a batch changed, and the
-- commands that it left for the devices of others. Only the last ones are kept; a database of one
-- daemon has none.
CREATE TABLE news (
    seq    BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    daemon BIGINT NOT NULL,
    rows   TEXT   NOT NULL -- JSON
);

-- The texts of every rule set that was ever in force.
CREATE TABLE rule_set (
    hash    TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BYTEA  NOT NULL,
    texts   TEXT   NOT NULL, -- JSON array of [file, text]
    live_at BIGINT NOT NULL  -- when it last went live
);

-- Refuses what the trigger names in its argument.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER journal_is_not_changed BEFORE UPDATE ON journal FOR EACH ROW
WHEN (NOT (old.salt IS NOT NULL AND new.salt IS NULL AND new.noted IS NULL AND ROW(new.daemon,
    new.seq, new.at, new.device, new.boot, new.device_seq, new.kind, new.seal, new.decision,
    new.content, new.hash) IS NOT DISTINCT FROM ROW(old.daemon, old.seq, old.at, old.device,
    old.boot, old.device_seq, old.kind, old.seal, old.decision, old.content, old.hash)))
EXECUTE FUNCTION refuse('the journal only grows');
CREATE TRIGGER journal_is_not_deleted BEFORE DELETE ON journal
FOR EACH ROW EXECUTE FUNCTION refuse('the journal only grows');
CREATE TRIGGER decision_is_not_changed BEFORE UPDATE ON decision FOR EACH ROW
WHEN (NOT (old.salt IS NOT NULL AND new.salt IS NULL AND new.member IS NULL AND new.credential
    IS NULL AND new.body IS NULL AND ROW(new.id, new.at, new.kind, new.device, new.direction,
    new.outcome, new.reason, new.consulted, new.tripped, new.rule_set, new.pseudonym, new.seal)
    IS NOT DISTINCT FROM ROW(old.id, old.at, old.kind, old.device, old.direction, old.outcome,
    old.reason, old.consulted, old.tripped, old.rule_set, old.pseudonym, old.seal)))
EXECUTE FUNCTION refuse('decisions are never changed');
CREATE TRIGGER decision_is_not_deleted BEFORE DELETE ON decision
FOR EACH ROW EXECUTE FUNCTION refuse('decisions are never deleted');
CREATE TRIGGER credential_history_is_not_changed BEFORE UPDATE ON credential_history
FOR EACH ROW WHEN (NOT (old.member IS NOT NULL AND new.member IS NULL AND new.operator IS NULL
    AND new.reason IS NULL AND ROW(new.id, new.uid, new.credential, new.at, new.event,
    new.decision) IS NOT DISTINCT FROM ROW(old.id, old.uid, old.credential, old.at, old.event,
    old.decision)))
EXECUTE FUNCTION refuse('the history of credentials only grows');
CREATE TRIGGER credential_history_is_not_deleted BEFORE DELETE ON credential_history
FOR EACH ROW EXECUTE FUNCTION refuse('the history of credentials only grows');

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
    IF (SELECT count(*) < 2 FROM posting WHERE transaction_id = new.id) OR EXISTS
        (SELECT 1 FROM posting JOIN account ON account.id = posting.account
            WHERE transaction_id = new.id GROUP BY currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'the postings of a transaction add up to nothing and are two at least'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER ledger_transaction_is_balanced BEFORE INSERT ON ledger_transaction
FOR EACH ROW EXECUTE FUNCTION ledger_transaction_is_balanced();

CREATE TRIGGER receipt_stays BEFORE UPDATE OR DELETE ON receipt
FOR EACH ROW EXECUTE FUNCTION refuse('receipts are never changed or deleted');
