"""What a server of MQTT 3.1, 3.1.1 and 5 does as the specification says, by raw sockets.

Call: mqtt_checks.py PORT PREFIX. Prints `ok NAME` or `FAIL NAME: why`; ends with 1 if any failed.
"""

import struct
import sys
import time

from mqtt_client import TIMEOUTS, Client, connect, packet, parts, publish, subscribe, text

PREFIX = sys.argv[2]
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def t(rest):
    return PREFIX + "/" + rest


def n(number):
    return PREFIX + "-" + str(number)


@check
def a_client_of_3_1_1_is_let_in_without_a_session():
    assert Client(n(1)).connack == b"\0\0"


@check
def a_client_of_5_is_let_in_with_properties():
    assert Client(n(2), 5).connack[:2] == b"\0\0"


@check
def a_client_of_3_1_is_let_in():
    assert Client(n(3), 3, proto=b"MQIsdp").connack[1] == 0


@check
def an_unknown_level_is_answered_with_1():
    for level in (9, 0x84, 0x83):
        first, body = Client().send(connect(n(4), level)).next()
        assert first == 0x20 and body[1] in (1, 0x84), (first, body)


@check
def no_name_and_no_clean_session_is_answered_with_2():
    assert Client().send(connect("", 4, clean=0)).next()[1][1] == 2


@check
def no_name_and_a_clean_session_is_let_in():
    Client("", 4)


@check
def a_client_of_5_without_a_name_hears_its_name():
    assert 0x12 in Client("", 5).connack[2:]


@check
def the_reserved_flag_of_connect_is_refused():
    client = Client().send(connect(n(7), 4, flags=3))
    try:
        assert client.next()[1][1] != 0
    except (EOFError, OSError):
        pass


@check
def a_second_connect_ends_the_connection():
    assert Client(n(8)).send(connect(n(8))).is_closed()


@check
def a_first_packet_that_is_no_connect_ends_the_connection():
    assert Client().send(publish(t("x"), "a")).is_closed()


@check
def a_ping_is_answered():
    assert Client(n(10)).send(b"\xc0\0").next()[0] == 0xD0


@check
def wrong_flags_of_subscribe_end_the_connection():
    wrong = bytearray(subscribe(1, t("a"), 0))
    wrong[0] = 0x80
    assert Client(n(11)).send(bytes(wrong)).is_closed()


@check
def qos_3_ends_the_connection():
    assert Client(n(12)).send(b"\x36" + publish(t("a"), "x", 1)[1:]).is_closed()


@check
def a_topic_with_a_wildcard_ends_the_connection():
    assert Client(n(13)).send(publish(t("a/#"), "x")).is_closed(2)


@check
def a_wrong_filter_is_refused():
    client = Client(n(14)).send(subscribe(2, t("a/#/b"), 0))
    try:
        first, body = client.next()
        assert first == 0x90 and body[2] >= 0x80, (first, body)
    except EOFError:
        pass


@check
def qos_1_is_acknowledged_by_its_number():
    first, body = Client(n(15)).send(publish(t("q1"), "x", 1, 77)).next()
    assert first == 0x40 and body[:2] == b"\0M", (first, body)


@check
def qos_2_is_delivered_once_though_it_is_said_twice():
    listens, says = Client(n("16s")).asks(t("q2"), 2), Client(n(16))
    assert says.send(publish(t("q2"), "x", 2, 9)).next()[0] == 0x50
    assert says.send(publish(t("q2"), "x", 2, 9, dup=1)).next()[0] == 0x50
    assert says.send(b"\x62\x02\0\x09").next()[0] == 0x70
    heard = 0
    try:
        while True:
            first, body = listens.next(0.8)
            if first >> 4 == 3:
                heard += 1
                listens.send(b"\x50\x02" + parts(body, 2)[1])
            elif first >> 4 == 6:
                listens.send(b"\x70\x02" + body[:2])
    except TIMEOUTS:
        pass
    assert heard == 1, heard


@check
def what_is_retained_comes_with_its_flag_and_is_cleared_by_nothing():
    says = Client(n(17)).send(publish(t("ret"), "v", 1, 3, retain=1))
    says.next()
    listens = Client(n("17b")).send(subscribe(1, t("ret"), 1))
    found = [one for one in (listens.next(), listens.next()) if one[0] >> 4 == 3]
    assert found[0][0] & 1, "the flag"
    says.send(publish(t("ret"), "", 1, 4, retain=1)).next()
    Client(n("17c")).asks(t("ret"), 1).hears_nothing()


@check
def who_listens_already_sees_no_retain_flag():
    listens = Client(n("18s")).asks(t("r2"))
    Client(n(18)).send(publish(t("r2"), "v", retain=1))
    assert listens.next()[0] & 1 == 0
    Client(n("18c")).send(publish(t("r2"), "", retain=1))


@check
def retain_as_published_keeps_the_flag():
    listens = Client(n("19s"), 5).asks(t("r3"), 8, 5)
    says = Client(n(19), 5).send(publish(t("r3"), "v", retain=1, version=5))
    assert listens.next()[0] & 1 == 1
    says.send(publish(t("r3"), "", retain=1, version=5))


@check
def no_local_keeps_the_own_messages_away():
    client = Client(n(20), 5).asks(t("nl"), 4, 5)
    client.send(publish(t("nl"), "v", version=5)).hears_nothing()


@check
def retain_handling_is_obeyed():
    says = Client(n(21), 5).send(publish(t("rh"), "v", 1, 3, retain=1, version=5))
    says.next()
    listens = Client(n("21s"), 5).asks(t("rh"), 0x20, 5)
    listens.hears_nothing()
    listens.asks(t("rh"), 0x10, 5).hears_nothing()
    says.send(publish(t("rh"), "", 1, 4, retain=1, version=5)).next()


@check
def a_will_is_published_for_who_is_lost_and_not_for_who_leaves():
    listens = Client(n("22s")).asks(t("will/#"), 1)
    Client(n(22), will=(t("will/a"), "gone", 0, 0)).cut()
    assert b"gone" in listens.next(4)[1]
    leaves = Client(n("22b"), will=(t("will/b"), "gone", 0, 0)).send(b"\xe0\0")
    time.sleep(0.1)
    leaves.cut()
    listens.hears_nothing(1)


@check
def a_will_is_published_for_who_is_silent():
    listens, start = Client(n("23s")).asks(t("will/#"), 1), time.time()
    silent = Client(n(23), keep=1, will=(t("will/k"), "dead", 0, 0))
    listens.next(6)
    assert 1.3 <= time.time() - start <= 4 and silent.is_closed()


@check
def who_comes_again_ends_the_old_connection_with_its_will():
    listens = Client(n("24s")).asks(t("will/#"), 1)
    old = Client(n(24), will=(t("will/t"), "taken", 0, 0))
    Client(n(24))
    assert old.is_closed() and b"taken" in listens.next()[1]


@check
def a_session_outlives_its_connection():
    Client(n(25)).send(b"\xe0\0").cut()
    Client(n(25), clean=0).asks(t("ps"), 1).cut()
    time.sleep(0.2)
    says = Client(n("25p"))
    for i in range(5):
        says.send(publish(t("ps"), "m%d" % i, 1, 10 + i)).next()
    back, heard = Client(n(25), clean=0), []
    assert back.connack[0] == 1, "the session is there"
    while len(heard) < 5:
        first, body = back.next(2)
        if first >> 4 == 3:
            _, number, payload = parts(body, 1)
            heard.append(payload)
            back.send(b"\x40\x02" + number)
    assert heard == [b"m%d" % i for i in range(5)], heard
    back.send(b"\xe0\0").cut()
    Client(n(25))


@check
def what_was_not_acknowledged_comes_again_as_a_repetition():
    first_time = Client(n(26), clean=0).asks(t("dup"), 1)
    Client(n("26p")).send(publish(t("dup"), "m", 1, 5)).next()
    first_time.next()
    first_time.cut()
    time.sleep(0.1)
    assert Client(n(26), clean=0).next()[0] & 8
    Client(n(26))


@check
def members_of_a_group_share_messages():
    members = [Client(n("27" + name), 5).asks("$share/g/" + t("sh"), 0, 5) for name in "ab"]
    says = Client(n("27p"), 5)
    for i in range(20):
        says.send(publish(t("sh"), str(i), version=5))
    counts = [len(member.all()) for member in members]
    assert sum(counts) == 20 and all(counts), counts


@check
def members_of_a_group_may_be_of_3_1_1():
    member = Client(n(28)).asks("$share/g/" + t("sh3"))
    Client(n("28p")).send(publish(t("sh3"), "x"))
    assert member.next(2)[0] >> 4 == 3


@check
def a_wildcard_does_not_match_what_begins_with_a_dollar():
    listens = Client(n(29)).asks("#")
    Client(n("29p")).send(publish("$foo/bar", "x"))
    topics = [parts(body, 0)[0] for first, body in listens.all(0.6) if first >> 4 == 3]
    assert not any(topic.startswith(b"$") for topic in topics), topics


@check
def a_message_expires_and_says_how_long_it_has():
    hour = b"\x11" + struct.pack(">I", 60)
    Client(n(30), 5, clean=0, props=hour).asks(t("exp"), 1, 5).cut()
    time.sleep(0.1)
    says = Client(n("30p"), 5)
    for payload, seconds in (("old", 1), ("new", 60)):
        props = b"\x02" + struct.pack(">I", seconds)
        says.send(publish(t("exp"), payload, 1, 5, version=5, props=props)).next()
    time.sleep(2.2)
    heard = Client(n(30), 5, clean=0, props=hour).all(0.8)
    assert len(heard) == 1 and b"new" in heard[0][1], heard
    rest = parts(heard[0][1], 1)[2]
    assert rest[1] == 2 and struct.unpack(">I", rest[2:6])[0] < 60, rest
    Client(n(30), 5)


@check
def a_session_expires():
    second = b"\x11" + struct.pack(">I", 1)
    Client(n(31), 5, props=second).asks(t("se"), 1, 5).cut()
    time.sleep(2.6)
    assert Client(n(31), 5, clean=0, props=second).connack[0] == 0


@check
def a_subscription_has_its_number():
    client = Client(n(32), 5).asks(t("si"), 0, 5, b"\x0b\x07")
    assert b"\x0b\x07" in client.send(publish(t("si"), "x", version=5)).next(2)[1]


@check
def properties_are_passed_on_unaltered():
    props = b"\x26" + text("k") + text("v"), b"\x08" + text("r/t"), b"\x09" + text("cd")
    client = Client(n(33), 5).asks(t("up"), 0, 5)
    client.send(publish(t("up"), "x", version=5, props=b"".join(props)))
    body = client.next(2)[1]
    known = parts(body, 0)[2]
    assert all(one in body for one in props) and known[0] == sum(map(len, props)), body


@check
def a_topic_alias_that_was_not_allowed_is_refused():
    client = Client(n(34), 5).send(publish(t("al"), "x", version=5, props=b"\x23\xea\x60"))
    try:
        first, body = client.next(2)
        assert first == 0xE0 and body[0] == 0x94, (hex(first), body)
    except EOFError:
        pass


@check
def what_nobody_listens_to_is_acknowledged():
    first, body = Client(n(35), 5).send(publish(t("nobody"), "x", 1, 3, version=5)).next(2)
    assert first == 0x40 and (len(body) == 2 or body[2] in (0, 0x10)), body


@check
def commands_are_the_daemons_and_5_hears_so():
    client = Client(n(36), 5)
    client.send(publish("homie/5/gate-1/gate/open/set", "x", 1, 3, version=5))
    first, body = client.next(2)
    assert (first == 0x40 and body[2] == 0x87) or first == 0xE0, (hex(first), body)


@check
def a_command_of_a_client_reaches_nobody():
    command = "homie/5/gate-1/gate/open/set"
    listens = Client(n("37s")).asks(command, 1)
    Client(n(37)).send(publish(command, "x", 1, 3))
    listens.hears_nothing()


@check
def who_unsubscribes_hears_no_more():
    client = Client(n(38)).asks(t("us"))
    assert client.send(packet(0xA2, b"\0\x02" + text(t("us")))).next()[0] == 0xB0
    client.send(publish(t("us"), "x")).hears_nothing()


@check
def a_topic_that_is_no_utf_8_ends_the_connection():
    assert Client(n(39)).send(publish(b"a\xff\xfe", "x")).is_closed(2)


@check
def a_topic_with_a_null_ends_the_connection():
    assert Client(n(40)).send(publish(b"a\x00b", "x")).is_closed(2)


@check
def a_packet_that_is_too_large_ends_the_connection():
    client = Client(n(41), 5).send(publish(t("big"), "x" * 20000, version=5))
    try:
        assert client.next()[0] == 0xE0
    except (EOFError, OSError):
        pass


@check
def a_length_of_five_bytes_ends_the_connection():
    assert Client(n(42)).send(b"\x30\xff\xff\xff\xff\x01").is_closed()


@check
def overlapping_subscriptions_give_the_highest_quality():
    listens = Client(n(43)).asks(t("ov/#"), 2).asks(t("ov/+"), 1)
    says = Client(n("43p")).send(publish(t("ov/a"), "x", 2, 5))
    says.next()
    says.send(b"\x62\x02\0\x05")
    qualities = [first >> 1 & 3 for first, _ in listens.all() if first >> 4 == 3]
    assert qualities and max(qualities) == 2, qualities


@check
def a_will_may_have_a_delay():
    listens, start = Client(n("44s")).asks(t("will/#"), 1), time.time()
    session, delay = b"\x11" + struct.pack(">I", 30), b"\x18" + struct.pack(">I", 2)
    Client(n(44), 5, props=session, will=(t("will/d"), "later", 0, 0, delay)).cut()
    listens.next(5)
    assert 1.5 < time.time() - start < 4


@check
def the_largest_packet_that_a_client_takes_is_exactly_what_it_said():
    limit = b"\x27" + struct.pack(">I", 64)
    listens = Client(n(45), 5, props=limit).asks(t("mp"), 1, 5)
    says = Client(n("45-a-rather-long-client-id"), 5)
    fits = 64 - len(publish(t("mp"), "", version=5))
    for size in (10, fits - 1, fits):
        says.send(publish(t("mp"), "x" * size, version=5))
        first, body = listens.next(1)
        assert first >> 4 == 3 and body.endswith(b"x" * size), (size, body)
    says.send(publish(t("mp"), "x" * (fits + 1), version=5))
    says.send(publish(t("mp"), "after", version=5))
    assert listens.next(1)[1].endswith(b"after"), "the next one comes"


@check
def a_client_gets_packets_of_its_own_version():
    listens = Client(n("46s")).asks(t("own"), 1)
    props = b"\x26" + text("k") + text("v")
    Client(n(46), 5).send(publish(t("own"), "x", 1, 3, version=5, props=props)).next()
    assert parts(listens.next()[1], 1)[2] == b"x"
    old = Client(n("46t"))
    Client(n("46t"))
    old.socket.settimeout(2)
    assert old.socket.recv(10) == b"", "no DISCONNECT in 3.1.1"


def main():
    failed = 0
    for function in CHECKS:
        name = function.__name__
        try:
            function()
            print("ok", name, flush=True)
        except Exception as error:  # whatever it is, it is a finding
            failed += 1
            print("FAIL %s: %s %s" % (name, type(error).__name__, str(error)[:200]), flush=True)
    print(len(CHECKS) - failed, "of", len(CHECKS))
    sys.exit(1 if failed else 0)


main()
