-- The state of a site: every row that a later decision depends on, whole and versioned.
--
-- `version` counts the changes of a row from 1; a write that expects another version changes
-- nothing.
-- `seal` is BLAKE3 of the whole row under a key that is not in the file: nobody else can make one.
-- Ids are UUIDs of 16 bytes, instants are microseconds of UTC since 1970, spans are microseconds,
-- dates are
-- ISO 8601 text of the site's calendar, amounts are minor units of the site's currency.

-- Who writes here. Each start raises the epoch, which voids the commands of earlier runs.
CREATE TABLE daemon (
    id    BIGINT NOT NULL PRIMARY KEY,
    seal  BLOB   NOT NULL,
    epoch BIGINT NOT NULL CHECK (epoch > 0)
);

-- What this database is known by: a number by chance, from its first start on.
CREATE TABLE identity (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    id  BLOB   NOT NULL
);

-- People as decisions see them; names and phones are in `person`.
CREATE TABLE member (
    id       BLOB    NOT NULL PRIMARY KEY,
    version  BIGINT  NOT NULL,
    seal     BLOB    NOT NULL,
    number   BIGINT  NOT NULL, -- what the desk types
    birth    TEXT,             -- date, if it is known
    blocked  BOOLEAN NOT NULL, -- house ban or manual block
    language TEXT    NOT NULL, -- ka, hy, ru, en
    groups   TEXT    NOT NULL, -- JSON array of names
    account  BLOB    NOT NULL, -- the wallet
    -- last day of the medical certificate, if there is one
    certificate_until TEXT,
    reduced_mobility BOOLEAN NOT NULL, -- more time at gates, and never held
    medical          BOOLEAN NOT NULL, -- never held
    kin              TEXT              -- JSON: the family, and who may pick this person up
) WITHOUT ROWID;

-- A member's number is nobody else's.
CREATE UNIQUE INDEX member_number ON member (number);

-- What else is known of people: nothing decides by it, so that a person can be forgotten here.
CREATE TABLE person (
    member     BLOB NOT NULL PRIMARY KEY,
    version    BIGINT NOT NULL,
    seal       BLOB NOT NULL,
    name       TEXT NOT NULL, -- in its own script
    name_latin TEXT NOT NULL,
    folded     TEXT NOT NULL, -- all words that somebody is found by, each after a blank
    phones     TEXT NOT NULL, -- JSON array, E.164
    email      TEXT NOT NULL, -- or empty
    photo      TEXT,          -- file of the state folder, by the hash of its content
    notes      TEXT NOT NULL, -- or empty
    documents  TEXT NOT NULL, -- JSON array
    pickups    TEXT NOT NULL  -- JSON array: who may pick up and is no member
) WITHOUT ROWID;

-- The words that people are found by, without case and accents.
CREATE TABLE person_word (
    word   TEXT NOT NULL,
    member BLOB NOT NULL,
    what   TEXT NOT NULL, -- name, phone, email
    PRIMARY KEY (word, member)
) WITHOUT ROWID;

-- Bands, cards and tickets, by what a reader reports of them.
CREATE TABLE credential (
    uid         TEXT   NOT NULL PRIMARY KEY,
    version     BIGINT NOT NULL,
    seal        BLOB   NOT NULL,
    id          BLOB   NOT NULL,
    member      BLOB   NOT NULL,
    state       TEXT   NOT NULL, -- active, lost, stolen, blocked, returned
    valid_from  BIGINT,          -- first instant
    valid_until BIGINT,          -- first instant at which it is no longer valid
    party_size  BIGINT NOT NULL, -- people who may be inside on it
    kind        TEXT   NOT NULL, -- card, band, ticket, party_card
    adult       BOOLEAN NOT NULL, -- whatever the birth date says
    collected   BOOLEAN NOT NULL, -- in the collector, or its loss is paid
    extras      TEXT             -- JSON: digests of codes, the host of a guest
) WITHOUT ROWID;

-- What somebody carries.
CREATE INDEX credential_of_member ON credential (member);
CREATE INDEX credential_id ON credential (id);

-- Sold passes, with the tariff version that each was sold under.
CREATE TABLE pass (
    member         BLOB   NOT NULL,
    id             BLOB   NOT NULL,
    version        BIGINT NOT NULL,
    seal           BLOB   NOT NULL,
    tariff         TEXT   NOT NULL,
    tariff_version BIGINT NOT NULL,
    state          TEXT   NOT NULL, -- active, past_due, frozen, suspended, cancelled
    valid_from     TEXT   NOT NULL, -- first local day
    valid_until    TEXT,            -- last local day, included
    visits_left     BIGINT,          -- nothing where visits are not counted
    visits_reserved BIGINT NOT NULL CHECK (visits_reserved >= 0), -- granted, not yet taken
    paid            BIGINT NOT NULL, -- when it was sold, where longer stays cost the next tier
    sale           TEXT,             -- JSON: what became of it since it was sold here
    PRIMARY KEY (member, id)
) WITHOUT ROWID;

-- Visits that members began lately, which limits count.
CREATE TABLE visits (
    member   BLOB NOT NULL PRIMARY KEY,
    version  BIGINT NOT NULL,
    seal     BLOB   NOT NULL,
    begun    TEXT NOT NULL, -- JSON array of instants
    promised BIGINT NOT NULL CHECK (promised >= 0) -- granted under a limit, not yet begun
) WITHOUT ROWID;

-- Guests that members brought lately, counted as visits are.
CREATE TABLE guests (
    member  BLOB   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- Families: the shared wallet, and who belongs to it.
CREATE TABLE family (
    id      BLOB   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- What people spent on a local day.
CREATE TABLE spending (
    member  BLOB   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- Failed second factors, by the credential.
CREATE TABLE attempts (
    uid     TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- Exemptions of people and groups.
CREATE TABLE exemption (
    id      BLOB   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- Versions of tariffs; an edit makes a new one.
CREATE TABLE tariff (
    tariff         TEXT   NOT NULL,
    tariff_version BIGINT NOT NULL,
    version        BIGINT NOT NULL,
    seal           BLOB   NOT NULL,
    zones          TEXT   NOT NULL, -- JSON array of names: what it opens
    entry_price    BIGINT NOT NULL,
    tiers          TEXT   NOT NULL, -- JSON array of [span, amount], the shortest first
    single_entry   BOOLEAN NOT NULL, -- whether it opens once
    day_guest      BOOLEAN NOT NULL, -- whether its bands come back
    vat            BIGINT,           -- hundredths of a percent, where it is not the site's
    offer          TEXT   NOT NULL,  -- JSON: what is sold under it
    PRIMARY KEY (tariff, tariff_version)
) WITHOUT ROWID;

-- Accounts of the ledger.
CREATE TABLE account (
    id         BLOB   NOT NULL PRIMARY KEY,
    version    BIGINT NOT NULL,
    seal       BLOB   NOT NULL,
    kind       TEXT   NOT NULL, -- wallet, receivable, and those of the site
    subject    TEXT   NOT NULL, -- which of its kind: a tariff, an item, a terminal; or empty
    currency   TEXT   NOT NULL CHECK (length(currency) = 3), -- ISO 4217
    balance    BIGINT NOT NULL  -- the sum of its postings
        CHECK (balance BETWEEN -1000000000000000000 AND 1000000000000000000),
    reserved   BIGINT NOT NULL CHECK (reserved >= 0), -- provisional charges, not yet posted
    floor      BIGINT,          -- the balance never goes below this
    debt_since BIGINT,          -- when it last stopped being free of debt
    CONSTRAINT bound CHECK (balance >= floor)
) WITHOUT ROWID;

-- Where the people on one credential are.
CREATE TABLE presence (
    credential        BLOB   NOT NULL PRIMARY KEY,
    version           BIGINT NOT NULL,
    seal              BLOB   NOT NULL,
    zone              TEXT,            -- nothing is the street
    inside            BIGINT NOT NULL, -- people on this credential inside the site
    visit             TEXT,            -- JSON: the open visit
    entered           BIGINT,          -- last entry passage
    pending_device    TEXT,            -- the key of the live reservation
    pending_direction TEXT,
    pending_place     BIGINT,
    lockers           TEXT   NOT NULL, -- JSON array: those that they occupy
    left_visit        TEXT             -- JSON: the visit that was left last, and when
) WITHOUT ROWID;

-- How full zones are.
CREATE TABLE occupancy (
    zone     TEXT   NOT NULL PRIMARY KEY,
    version  BIGINT NOT NULL,
    seal     BLOB   NOT NULL,
    inside   BIGINT NOT NULL, -- by passages; below zero only where people came past the gates
    reserved BIGINT NOT NULL  -- granted and not yet through
) WITHOUT ROWID;

-- Grants that wait for their passage, and those that ended lately.
CREATE TABLE reservation (
    device         TEXT    NOT NULL,
    direction      TEXT    NOT NULL, -- entry, exit
    place          BIGINT  NOT NULL, -- in the order of grants at this gate and direction
    version        BIGINT  NOT NULL,
    seal           BLOB    NOT NULL,
    decision       BLOB    NOT NULL,
    uid            TEXT    NOT NULL,
    credential     BLOB    NOT NULL,
    member         BLOB    NOT NULL,
    granted        BIGINT  NOT NULL,
    timeout        BIGINT  NOT NULL, -- span that the passage may take once its turn has come
    -- last instant of the passage; nothing while it waits for its turn
    expires        BIGINT,
    state          TEXT    NOT NULL, -- live, lapsed
    lapsed_at      BIGINT,           -- where it lapsed
    starts_visit   BLOB,
    takes_from     BLOB,             -- pass that a visit is taken from
    pass_of        BLOB,             -- and whose that is
    hours_end      BIGINT,           -- of the hours that the visit would be begun in
    charges        TEXT    NOT NULL, -- JSON array: the provisional charges
    booked         BOOLEAN NOT NULL, -- whether its effects were booked at the grant already
    limited        BOOLEAN NOT NULL, -- whether a limit of visits counts it until then
    host           BLOB,             -- the member whose guest it is
    comes_back     BOOLEAN NOT NULL, -- whether the visit that was left goes on
    undo           TEXT,             -- JSON: what takes back what was booked at the grant
    PRIMARY KEY (device, direction, place),
    CHECK ((state = 'lapsed') = (lapsed_at IS NOT NULL))
) WITHOUT ROWID;

-- The last read at each reader that was evaluated and not ignored.
CREATE TABLE last_read (
    device     TEXT   NOT NULL,
    direction  TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    seal       BLOB   NOT NULL,
    uid        TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    next_place BIGINT NOT NULL, -- in the order of grants there
    recent     TEXT   NOT NULL, -- JSON array: who was read on the way out within a minute
    refused    BLOB,            -- the decision that refused or held it
    PRIMARY KEY (device, direction)
) WITHOUT ROWID;

-- Which messages of each device and boot were taken. The three numbers are 64 bits without a sign,
-- kept as
-- the same bits with one.
CREATE TABLE mark (
    device  TEXT   NOT NULL,
    boot    BIGINT NOT NULL,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    high    BIGINT NOT NULL, -- highest sequence taken
    taken   BIGINT NOT NULL, -- the 64 sequences from there down, one bit each
    PRIMARY KEY (device, boot)
) WITHOUT ROWID;

-- What is known of devices.
CREATE TABLE device (
    device  TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- Tills, desks and pay points.
CREATE TABLE terminal (
    device  TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- Holds of credentials that have no visit: an unknown or a lost one.
CREATE TABLE hold (
    uid     TEXT   NOT NULL,
    gate    TEXT   NOT NULL,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL, -- JSON
    PRIMARY KEY (uid, gate)
) WITHOUT ROWID;

-- Imports, by a hash of what was imported and how.
CREATE TABLE import (
    id      TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- Operators, by their logins.
CREATE TABLE operator (
    login   TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- Tokens of overrides, by what was read where.
CREATE TABLE token (
    uid     TEXT   NOT NULL,
    gate    TEXT   NOT NULL,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL, -- JSON
    PRIMARY KEY (uid, gate)
) WITHOUT ROWID;

-- Values of parameters that replace those of the rule files.
CREATE TABLE param_value (
    parameter TEXT   NOT NULL,
    scope     TEXT   NOT NULL, -- JSON
    version   BIGINT NOT NULL,
    seal      BLOB   NOT NULL,
    body      TEXT   NOT NULL, -- JSON
    PRIMARY KEY (parameter, scope)
) WITHOUT ROWID;

-- House bans.
CREATE TABLE ban (
    member  BLOB   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- Answers to orders, by the key that came with each: who sends one again gets it again.
CREATE TABLE answer (
    operator  TEXT   NOT NULL,
    order_key TEXT   NOT NULL,
    version   BIGINT NOT NULL,
    seal      BLOB   NOT NULL,
    body      TEXT   NOT NULL, -- JSON
    PRIMARY KEY (operator, order_key)
) WITHOUT ROWID;

-- Orders that wait for a second person, by their terminals.
CREATE TABLE pending_order (
    device  TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- Requests that wait for somebody, by what was read where.
CREATE TABLE waiting (
    uid     TEXT   NOT NULL,
    gate    TEXT   NOT NULL,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL, -- JSON
    PRIMARY KEY (uid, gate)
) WITHOUT ROWID;

-- Lockers.
CREATE TABLE locker (
    id      TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- The latched emergency: one row or none.
CREATE TABLE emergency (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    started BIGINT NOT NULL, -- visits end and money stops here
    source  TEXT   NOT NULL  -- the device whose input raised it
);

-- Goods and services.
CREATE TABLE good (
    id      TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- Other prices for a time.
CREATE TABLE price_list (
    id      TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- Drawers of tills: the last numbers, and the session that is open.
CREATE TABLE drawer (
    device  TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- What was taken back of receipts.
CREATE TABLE returned (
    till    TEXT   NOT NULL,
    number  BIGINT NOT NULL,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL, -- JSON
    PRIMARY KEY (till, number)
) WITHOUT ROWID;

-- Deposits for bands.
CREATE TABLE band_deposit (
    uid     TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL -- JSON
) WITHOUT ROWID;

-- What is earned of prepaid money once a day is over.
CREATE TABLE earning (
    day     TEXT   NOT NULL, -- local day
    tariff  TEXT   NOT NULL,
    version BIGINT NOT NULL,
    seal    BLOB   NOT NULL,
    body    TEXT   NOT NULL, -- JSON
    PRIMARY KEY (day, tariff)
) WITHOUT ROWID;
