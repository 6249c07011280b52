use std::{net::SocketAddr, sync::Mutex};

use domain::{
    decision::Decision,
    ids::DecisionId,
    money::Money,
    reasons::{Class, Condition, Reason},
    remedy::{Change, Remedy},
    verdict::Outcome,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::{
    feed::{FEED_CAPACITY, News, feed},
    records::Answer,
    wording::tests::{NIL, decision, finding, tbilisi},
};

/// Records in memory; the number of a decision is its place from 1.
#[derive(Default)]
struct Memory(Mutex<Vec<Decision>>);

impl Memory {
    fn numbered(&self) -> Vec<(u64, Decision)> {
        (1..).zip(self.0.lock().unwrap().iter().cloned()).collect()
    }
}

impl Records for Memory {
    fn decision(&self, id: DecisionId) -> BoxFuture<'_, Result<Option<Decision>, RecordsFault>> {
        let found = self.numbered().into_iter().map(|(_, one)| one).find(|one| one.id == id);
        Box::pin(async { Ok(found) })
    }
    fn after(&self, seq: u64, limit: u32) -> BoxFuture<'_, Answer> {
        let mut found = self.numbered();
        found.retain(|(number, _)| *number > seq);
        found.truncate(limit as usize);
        Box::pin(async { Ok(found) })
    }
    fn latest(&self, limit: u32, before: Option<u64>) -> BoxFuture<'_, Answer> {
        let mut found = self.numbered();
        found.retain(|(number, _)| before.is_none_or(|before| *number < before));
        found.reverse();
        found.truncate(limit as usize);
        Box::pin(async { Ok(found) })
    }
}

/// Records that cannot be read.
struct Broken;

impl Records for Broken {
    fn decision(&self, _: DecisionId) -> BoxFuture<'_, Result<Option<Decision>, RecordsFault>> {
        Box::pin(async { Err(RecordsFault("disk gone".into())) })
    }
    fn after(&self, _: u64, _: u32) -> BoxFuture<'_, Answer> {
        Box::pin(async { Err(RecordsFault("disk gone".into())) })
    }
    fn latest(&self, _: u32, _: Option<u64>) -> BoxFuture<'_, Answer> {
        Box::pin(async { Err(RecordsFault("disk gone".into())) })
    }
}

/// A debt of 4.00 is paid, whatever was decided.
struct Payable;

impl Remedies for Payable {
    fn of(&self, decision: &Decision) -> BoxFuture<'_, Option<Remedy>> {
        let shut = !decision.verdict.outcome.opens();
        let account = NIL.parse().unwrap();
        let changes = vec![Change::Pay { account, amount: Money(400) }];
        let remedy = shut.then(|| Remedy { changes, stuck: Vec::new() });
        Box::pin(async { remedy })
    }
}

struct Fixed;
impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_789_449_243_000)
    }
}

fn shared(records: Arc<dyn Records>) -> Shared {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || metrics::counter!("kari_test_total").increment(1));
    Shared {
        site: "Vake pool".into(),
        daemon: 1,
        epoch: 3,
        version: "0.1.0",
        language: Language::En,
        currency: Currency::of("GEL").unwrap(),
        time_zone: tbilisi(),
        feed: feed(),
        health: Arc::default(),
        records,
        remedies: Arc::new(Payable),
        prometheus: recorder.handle(),
        clock: Arc::new(Fixed),
    }
}

/// A running server.
struct Running {
    address: SocketAddr,
    memory: Arc<Memory>,
    health: Arc<Health>,
    feed: broadcast::Sender<Arc<FeedItem>>,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<Result<(), ServeError>>,
}

impl Running {
    async fn start() -> Self {
        Self::with(None).await
    }

    async fn with(records: Option<Arc<dyn Records>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let memory = Arc::<Memory>::default();
        let shared = shared(records.unwrap_or_else(|| memory.clone()));
        let (health, feed) = (Arc::clone(&shared.health), shared.feed.clone());
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, shared, stop.clone()));
        Self { address, memory, health, feed, stop, served }
    }

    /// Makes a decision durable and tells it, as the daemon does.
    fn decide(&self, reason: Reason) -> Decision {
        let outcome = if reason == Reason::Granted { Outcome::Grant } else { Outcome::Deny };
        let mut made = decision(outcome, vec![finding(reason, Class::Deny, &[])]);
        let mut all = self.memory.0.lock().unwrap();
        let number = all.len() + 1;
        made.id = format!("0198f0c2-7d1e-7a3b-9c55-{number:012x}").parse().unwrap();
        all.push(made.clone());
        let item =
            FeedItem { seq: u64::try_from(number).unwrap(), news: News::Decided(made.clone()) };
        // Nobody may be listening.
        drop(self.feed.send(Arc::new(item)));
        made
    }

    async fn send(&self, head: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    async fn ask(&self, method: &str, path: &str) -> String {
        self.ask_with(method, path, "Host: localhost:8080\r\n").await
    }

    async fn ask_with(&self, method: &str, path: &str, headers: &str) -> String {
        let head = format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        let mut stream = self.send(&head).await;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn listen(&self, path: &str, headers: &str) -> Events {
        let head = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n");
        let mut events = Events { stream: self.send(&head).await, text: String::new() };
        events.until("event: status").await;
        events
    }
}

/// A reader of a live feed.
struct Events {
    stream: TcpStream,
    text: String,
}

impl Events {
    /// Reads on until `wanted` was told; everything told so far.
    async fn until(&mut self, wanted: &str) -> &str {
        let mut piece = vec![0; 65_536];
        while !self.text.contains(wanted) {
            let read = self.stream.read(&mut piece);
            let read = tokio::time::timeout(Duration::from_secs(10), read).await;
            let read = read.unwrap_or_else(|_| panic!("no {wanted} in {}", self.text)).unwrap();
            assert!(read > 0, "the feed ended without {wanted}: {}", self.text);
            self.text.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        &self.text
    }

    fn ids(&self) -> Vec<&str> {
        let lines = self.text.lines().filter_map(|line| line.strip_prefix("id: "));
        lines.map(str::trim).collect()
    }
}

const EVERY_ROUTE: [(&str, u16, &str); 14] = [
    ("/", 200, "text/html"),
    ("/?lang=ka", 200, "text/html"),
    ("/assets/desk.css", 200, "text/css"),
    ("/assets/door.svg", 200, "image/svg+xml"),
    ("/assets/desk.js", 200, "text/javascript"),
    ("/healthz", 200, "text/plain"),
    ("/readyz", 503, "application/json"),
    ("/metrics", 200, "text/plain; version=0.0.4"),
    ("/api/v1/status", 200, "application/json"),
    ("/api/v1/decisions", 200, "application/json"),
    ("/api/v1/decisions/0198f0c2-7d1e-7a3b-9c55-000000000001", 200, "application/json"),
    ("/api/v1/decisions/0198f0c2-7d1e-7a3b-9c55-0000000000ff", 404, "application/problem+json"),
    ("/api/v1/decisions/live?after=x", 400, "application/problem+json"),
    ("/nothing", 404, "application/problem+json"),
];

#[tokio::test]
async fn every_route_answers_with_its_status_and_the_safe_headers() {
    let running = Running::start().await;
    running.decide(Reason::Granted);
    for (path, status, kind) in EVERY_ROUTE {
        for method in ["GET", "HEAD"] {
            let answer = running.ask(method, path).await;
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {head}");
            assert!(head.contains(&format!("content-type: {kind}")), "{path}: {head}");
            for header in [
                "content-security-policy: default-src 'none'; script-src 'self'",
                "x-content-type-options: nosniff",
                "referrer-policy: no-referrer",
                "cache-control: no-store",
            ] {
                assert!(head.contains(header), "{path}: {head}");
            }
            assert_eq!(body.is_empty(), method == "HEAD", "{method} {path}");
        }
        let written = running.ask("POST", path).await;
        if path != "/nothing" {
            assert!(written.starts_with("HTTP/1.1 405 "), "{path}: {written}");
            assert!(written.contains("allow: GET, HEAD"), "{written}");
        }
    }
    assert_eq!(running.memory.0.lock().unwrap().len(), 1, "reading changes nothing");
}

#[tokio::test]
async fn ready_names_what_is_missing_until_nothing_is() {
    let running = Running::start().await;
    let answer = running.ask("GET", "/readyz").await;
    assert!(answer.ends_with(r#"{"missing":["database","rules"],"ready":false}"#), "{answer}");
    running.health.database(true);
    running.health.rules_live("a3", Timestamp::default());
    assert!(running.ask("GET", "/readyz").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_request_to_a_foreign_name_is_refused() {
    let running = Running::start().await;
    for (host, status) in [
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example:80", 403),
        ("192.168.1.4:8080", 403),
        ("", 403),
        ("[::1]:8080", 200),
        ("127.0.0.1:8080", 200),
        ("LOCALHOST", 200),
    ] {
        let answer = running.ask_with("GET", "/healthz", &format!("Host: {host}\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{host}: {answer}");
    }
    let absent = running.ask_with("GET", "/healthz", "").await;
    assert!(absent.starts_with("HTTP/1.1 4"), "{absent}");
}

#[tokio::test]
async fn only_a_loopback_listener_is_served() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shared = shared(Arc::new(Broken));
    let refused = serve(listener, shared, CancellationToken::new()).await.unwrap_err();
    assert!(refused.to_string().contains(&address.to_string()), "{refused}");
}

#[tokio::test]
async fn a_problem_has_code_and_title_in_the_asked_language() {
    let running = Running::start().await;
    for (path, status, code) in [
        ("/api/v1/decisions?limit=0", 400, "bad_request"),
        ("/api/v1/decisions?limit=201", 400, "bad_request"),
        ("/api/v1/decisions?limit=-1", 400, "bad_request"),
        ("/api/v1/decisions?limit=1&limit=2", 400, "bad_request"),
        ("/api/v1/decisions?cursor=abc", 400, "bad_request"),
        ("/api/v1/decisions/not-an-id", 400, "bad_request"),
        ("/api/v1/decisions/%ff", 400, "bad_request"),
        ("/api/v1/decisions/live?after=1--5", 400, "bad_request"),
        ("/api/v2/decisions", 404, "not_found"),
    ] {
        let headers = "Host: localhost\r\nAccept-Language: ka-GE, en;q=0.5\r\n";
        let answer = running.ask_with("GET", path, headers).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
        assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{path}: {answer}");
        assert!(answer.contains("მოთხოვნა") || answer.contains("ვერ მოიძებნა"), "{answer}");
    }
}

#[tokio::test]
async fn unreadable_records_are_a_problem_and_the_rest_goes_on() {
    let running = Running::with(Some(Arc::new(Broken))).await;
    for path in ["/api/v1/decisions", "/api/v1/decisions/live"] {
        let answer = running.ask("GET", path).await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("retry-after: 5") && answer.contains("records_unavailable"));
        assert!(!answer.contains("disk gone"), "the cause is for the log");
    }
    assert!(running.ask("GET", "/healthz").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn pages_of_decisions_come_latest_first_and_meet_without_a_gap() {
    let running = Running::start().await;
    for _ in 0..5 {
        running.decide(Reason::Granted);
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/decisions?limit=2".to_owned();
    loop {
        let answer = running.ask("GET", &path).await;
        let body: serde_json::Value =
            serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        for item in body["items"].as_array().unwrap() {
            seen.push(item["feed_id"].as_str().unwrap().to_owned());
        }
        match body["next_cursor"].as_str() {
            Some(next) => {
                path = format!("/api/v1/decisions?limit=2&cursor={next}");
                assert!(answer.contains(&format!("link: <{path}>; rel=\"next\"")), "{answer}");
            }
            None => break,
        }
    }
    assert_eq!(seen, ["1-5", "1-4", "1-3", "1-2", "1-1"]);
}

#[tokio::test]
async fn one_decision_is_told_with_facts_values_and_the_rule() {
    let running = Running::start().await;
    let made = running.decide(Reason::DebtEntryBlocked);
    let answer = running.ask("GET", &format!("/api/v1/decisions/{}?lang=en", made.id)).await;
    let body: serde_json::Value =
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let reason = &body["decision"]["reasons"][0];
    assert_eq!(reason["code"], "DEBT_ENTRY_BLOCKED");
    assert_eq!(reason["rule"], serde_json::json!({ "file": "40-debt.rhai", "line": 12 }));
    assert_eq!(body["facts"]["debt"], serde_json::json!({ "amount": "12.50", "currency": "GEL" }));
    assert_eq!(body["values"][0]["scope"], "group students");
    assert_eq!(body["decision"]["at"], "2026-09-15T05:14:03.000Z");
    assert_eq!(body["decision"]["time"], "09:14:03");
}

#[tokio::test]
async fn status_tells_the_rule_set_and_the_one_refused() {
    let running = Running::start().await;
    running.health.rules_live("a3f9", Timestamp::from_millis(1_789_449_243_000));
    running.health.rules_refused("rules/a.rhai:3:7: unknown name", Timestamp::default());
    let answer = running.ask("GET", "/api/v1/status").await;
    let body: serde_json::Value =
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["rules"]["live"]["hash"], "a3f9");
    assert_eq!(body["rules"]["live"]["since"]["local"], "15.09.2026 09:14");
    assert_eq!(body["rules"]["refused"]["message"], "rules/a.rhai:3:7: unknown name");
    assert_eq!((&body["epoch"], &body["uptime_seconds"]), (&3.into(), &0.into()));
}

#[tokio::test]
async fn a_reader_sees_decisions_conditions_and_rule_changes_as_they_happen() {
    let running = Running::start().await;
    running.decide(Reason::Granted);
    let mut events = running.listen("/api/v1/decisions/live?lang=hy", "").await;
    running.decide(Reason::CredentialUnknown);
    let text = events.until("id: 1-2").await;
    assert!(text.contains("Անծանոթ քարտ կամ ապարանջան"), "{text}");
    let noted = News::Noted {
        at: Timestamp::default(),
        device: Some("gate-1".into()),
        condition: Condition::PassageMade,
        decision: None,
        detail: "`open_entry`".to_owned(),
    };
    running.feed.send(Arc::new(FeedItem { seq: 3, news: noted })).unwrap();
    events.until("Անցումը կատարվեց: `open_entry`").await;
    running.health.rules_refused("rules/a.rhai:3: wrong", Timestamp::default());
    events.until("rules/a.rhai:3: wrong").await;
    assert_eq!(events.ids(), ["1-2"], "only what is decided after the connection");
}

#[tokio::test]
async fn a_reader_that_comes_back_gets_what_it_missed_once_and_in_order() {
    let running = Running::start().await;
    for _ in 0..250 {
        running.decide(Reason::Granted);
    }
    let mut events =
        running.listen("/api/v1/decisions/live?after=1-2", "Last-Event-ID: 1-40\r\n").await;
    events.until("id: 1-250").await;
    running.decide(Reason::Granted);
    events.until("id: 1-251").await;
    let wanted: Vec<String> = (41..=251).map(|seq| format!("1-{seq}")).collect();
    assert_eq!(events.ids(), wanted);
    assert!(!events.text.contains("event: gap"));
}

#[tokio::test]
async fn an_id_of_another_daemon_or_of_a_lost_future_is_told_as_a_gap() {
    let running = Running::start().await;
    running.decide(Reason::Granted);
    for foreign in ["2-1", "1-99"] {
        let headers = format!("Last-Event-ID: {foreign}\r\n");
        let mut events = running.listen("/api/v1/decisions/live", &headers).await;
        events.until("event: gap").await;
        running.decide(Reason::Granted);
        let newest = format!("id: 1-{}", running.memory.0.lock().unwrap().len());
        events.until(&newest).await;
        assert_eq!(events.ids().len(), 1, "{foreign}");
    }
}

#[tokio::test]
async fn a_slow_reader_holds_nobody_up_and_catches_up_from_the_records() {
    let running = Running::start().await;
    let mut events = running.listen("/api/v1/decisions/live", "").await;
    let all = FEED_CAPACITY * 6;
    for _ in 0..all {
        running.decide(Reason::Granted);
    }
    // Health is served while the reader sleeps.
    assert!(running.ask("GET", "/healthz").await.starts_with("HTTP/1.1 200 "));
    assert!(running.feed.len() <= FEED_CAPACITY);
    events.until(&format!("id: 1-{all}\n")).await;
    assert!(events.text.contains("event: gap"));
    let wanted: Vec<String> = (1..=all).map(|seq| format!("1-{seq}")).collect();
    assert_eq!(events.ids(), wanted);
}

#[tokio::test]
async fn one_feed_too_many_is_refused_and_a_place_comes_free_again() {
    let running = Running::start().await;
    let mut readers = Vec::new();
    for _ in 0..STREAMS_MAX {
        readers.push(running.listen("/api/v1/decisions/live", "").await);
    }
    let refused = running.ask("GET", "/api/v1/decisions/live").await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("too_many_streams"));
    assert!(running.ask("GET", "/healthz").await.starts_with("HTTP/1.1 200 "));
    readers.pop();
    for attempt in 0.. {
        let head = "GET /api/v1/decisions/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let mut stream = running.send(head).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        if &answer == b"HTTP/1.1 200" {
            break;
        }
        assert!(attempt < 100, "the place did not come free");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn too_many_connections_are_dropped_and_too_long_heads_refused() {
    let running = Running::start().await;
    let long = format!("Host: localhost\r\nX-Long: {}\r\n", "x".repeat(HEAD_MAX * 2));
    let mut stream = running.send(&format!("GET /healthz HTTP/1.1\r\n{long}\r\n")).await;
    let mut answer = Vec::new();
    // The server may close while the rest of the head is under way.
    if stream.read_to_end(&mut answer).await.is_ok() {
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "refused");
    }
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS_MAX + 8 {
        idle.push(TcpStream::connect(running.address).await.unwrap());
    }
    // Whoever has asked for nothing for longest gives way, and everybody who asks is answered.
    let closed = tokio::time::timeout(Duration::from_secs(5), idle[0].read(&mut [0; 1])).await;
    assert!(matches!(closed.unwrap(), Ok(0) | Err(_)));
    let mut last = idle.pop().unwrap();
    last.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    last.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[tokio::test]
async fn a_stop_ends_open_feeds_and_the_server() {
    let running = Running::start().await;
    let mut events = running.listen("/api/v1/decisions/live", "").await;
    running.stop.cancel();
    let ended = async { events.stream.read_to_end(&mut Vec::new()).await };
    tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap().unwrap();
    running.served.await.unwrap().unwrap();
}
