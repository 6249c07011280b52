# The read-only desk page, and the titles of problems.

page-title = Kari desk
page-skip = Skip to the decisions
page-language = Language
page-rules = Rules in force
page-rules-since = since { "{time}" }
page-rules-none = No rule set is in force: entries are refused, exits are open
page-refused = The last change of the rules was refused
page-refused-hint = The rules in force stay as they were. Correct the file and save it.
page-connecting = Connecting
page-live = Live
page-lost = Connection lost, trying again
page-paused = Paused
page-pause = Pause
page-resume = Continue
page-feed = Decisions at the gates
page-feed-hint = The latest first. This page changes nothing.
page-empty = No decision yet. Present a card at a gate.
page-gap = Some decisions were skipped here and are being fetched.
page-why = Why
page-links = Connections
page-database = Database
page-up = in order
page-down = not reachable
page-tally = In this list
page-no-script = This page shows decisions as they fall, and needs JavaScript for it.

problem-not_found = Not found
problem-method_not_allowed = Only reading is possible here
problem-bad_request = The request cannot be understood
problem-host_not_local = Only this machine may ask
problem-too_many_streams = Too many live feeds are open
problem-records_unavailable = The records cannot be read now
