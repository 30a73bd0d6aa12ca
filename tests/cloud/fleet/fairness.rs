//! A reload of many accounts lets other tasks run in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cloudaudit_exporter::config::Config;
use tokio::task::yield_now;

use super::world::World;

const ACCOUNTS: usize = 200;

/// Other tasks run at least once per this many accounts.
const IN_A_ROW: usize = 16;

#[tokio::test(start_paused = true)]
async fn other_tasks_run_while_accounts_change() {
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    tokio::spawn(async move {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
        }
    });
    let mut world = World::new();
    for accounts in [ACCOUNTS, 0] {
        let one = |account| {
            format!("\n  a{account}: {{credentials: {{secret_id: AKIDa, secret_key: k}}}}")
        };
        let names: Vec<String> = (0..accounts).map(one).collect();
        let names = names.concat();
        let text = format!(
            "endpoint: http://127.0.0.1:1\naccounts:{names}\n  last: {{credentials: {{secret_id: AKIDa, secret_key: k}}}}"
        );
        let config = Config::parse("test.yaml", &text, &BTreeMap::new()).unwrap();
        let plan = world.fleet.prepare(&config).await.unwrap();
        let before = turns.load(Ordering::Relaxed);
        world.fleet.apply(plan).await;
        let turns = turns.load(Ordering::Relaxed) - before;
        assert!(turns >= ACCOUNTS / IN_A_ROW, "{accounts} accounts: {turns}");
        assert_eq!(world.fleet.targets(), accounts + 1);
    }
}
