//! A cashier who goes on taking money at a till, whatever happens to the daemon.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{
    decision::Decision,
    ids::{DecisionId, Uid},
    money::Money,
    order::What,
    verdict::Outcome,
};
use serde_json::json;
use tests::{
    daemon::ask_at,
    records::Records,
    site::{Guest, uid},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Whose wallet is topped up; nobody else uses it.
const BUYER: u32 = 999;
/// What each top-up brings.
const COIN: i64 = 800;

/// What the cashier may do, and that a till sells before anybody can sign in there.
pub(crate) const RIGHTS: &str = r#"
set("device.offline_policy", "entry deny, locker cached, sale allow");
set("operator.allowed_actions", "topup", role("cashier"));
set("operator.allowed_terminals", "till-1", role("cashier"));
set("terminal.allowed_actions", "topup", terminal("till-1"));
set("wallet.max_balance", "1000000.00");
set("cash.drawer_max", "1000000.00");
"#;

/// The guest with that wallet.
pub(crate) const fn buyer() -> Guest {
    Guest::member(BUYER)
}

/// What was sold, as the cashier knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sold(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    asked: usize,
    acknowledged: Vec<DecisionId>,
}

impl Sold {
    /// Takes one top-up after the other, each of them once, until it is over.
    pub(crate) async fn sell(self, socket: PathBuf, over: CancellationToken) {
        let (holder, amount) = (Uid::from(uid(BUYER)), Money(COIN));
        let what = What::Topup { holder, amount, cash: true };
        let order = json!({
            "ask": "order", "terminal": "till-1", "operator": "maka", "pin": "3333", "what": what,
        });
        while !over.is_cancelled() {
            self.0.lock().unwrap().asked += 1;
            // Without an answer nobody knows what became of it; it is not said again.
            if let Ok(answer) = ask_at(&socket, &order).await {
                assert_eq!(answer["reply"], "decision", "{answer}");
                let decision: Decision =
                    serde_json::from_value(answer["decision"].clone()).unwrap();
                assert_eq!(decision.verdict.outcome, Outcome::Grant, "{decision:?}");
                self.0.lock().unwrap().acknowledged.push(decision.id);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Each sale that was acknowledged has its receipt, and nothing has two; the sales that were
    /// acknowledged.
    pub(crate) async fn check(&self, records: &Records) -> usize {
        let acknowledged = self.0.lock().unwrap().acknowledged.clone();
        let receipts = records.receipts().await;
        let sold: BTreeSet<_> = receipts.iter().copied().collect();
        assert_eq!(sold.len(), receipts.len(), "a sale has two receipts");
        for decision in &acknowledged {
            assert!(sold.contains(decision), "sold, acknowledged and lost: {decision}");
        }
        let (count, asked) = (receipts.len(), self.0.lock().unwrap().asked);
        assert!(count <= asked, "{count} receipts of {asked} orders");
        acknowledged.len()
    }

    /// Once nobody sells any more: what the receipts say is in the wallet.
    pub(crate) async fn check_wallet(&self, records: &Records) {
        let count = i64::try_from(records.receipts().await.len()).unwrap();
        assert_eq!(records.wallet(BUYER).await, (count * COIN, 0), "the wallet of the receipts");
    }
}
