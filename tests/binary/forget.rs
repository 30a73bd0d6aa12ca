//! `POST /api/v1/tracks/ID/forget` acknowledges an intended deletion without a restart.

use std::fs;
use std::time::Duration;

use cloudaudit_exporter::sim::{Account, Track};
use tokio::time::sleep;

use crate::support::exporter::{Exporter, Samples};
use crate::support::site::{LIFECYCLE, Site, client, with};

const PRESENT: &str = "cloudaudit_track_present";
const ACKNOWLEDGED: &str = "cloudaudit_track_acknowledged_timestamp_seconds";

async fn forget(exporter: &Exporter, path: &str) -> (u16, String) {
    let url = format!("http://{}/api/v1/tracks/{path}", exporter.address());
    let response = client().post(url).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// A site with an account in two regions, two tracks and a state file.
async fn two_regions() -> (Site, Account) {
    let site = Site::start().await;
    let account = site.world.account("100000000001").unwrap();
    account.create(Track::new(2, "to-central"));
    let state = site.folder.path().join("state.json");
    let text = site.text("prod: {regions: [ap-guangzhou, ap-tokyo], labels: {team: core}}");
    let fast = "poll: {interval: 1s, timeout: 1s}\nrate_limit: {requests_per_second: 100}";
    let text = format!("{text}{fast}\nstate: {{file: {}}}\n", state.display());
    fs::write(&site.file, text).unwrap();
    (site, account)
}

fn has(
    metric: &'static str,
    track: &'static str,
    values: &'static [f64],
) -> impl Fn(&Samples) -> bool {
    move |samples: &Samples| samples.values(metric, &[("track_id", track)]) == values
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_track_is_forgotten_in_all_regions_and_stays_forgotten() {
    let (site, account) = two_regions().await;
    let mut exporter = Exporter::start(Some(&site.file), &with(&[LIFECYCLE]));
    exporter
        .metrics_when("both are listed", has(PRESENT, "2", &[1.0, 1.0]))
        .await;
    account.delete(2).unwrap();
    exporter
        .metrics_when("it is deleted", has(PRESENT, "2", &[0.0, 0.0]))
        .await;
    let polls = |it: &Samples| it.sum("cloudaudit_polls_total", &[]);
    let before = polls(&exporter.metrics().await);

    let said =
        "forgot the deleted track 2 (to-central) of account prod in ap-guangzhou, ap-tokyo\n";
    assert_eq!(
        forget(&exporter, "2/forget?account=prod").await,
        (200, said.to_owned())
    );
    // The exporter answers after the track is forgotten.
    let samples = exporter.metrics().await;
    assert!(has(PRESENT, "2", &[])(&samples));
    let acknowledged = samples.values(ACKNOWLEDGED, &[("track", "to-central"), ("team", "core")]);
    assert_eq!(acknowledged.len(), 2);
    let vanished = [("track_id", "2"), ("change", "vanished")];
    let vanished = samples.values("cloudaudit_track_changed_timestamp_seconds", &vanished);
    assert!(
        vanished.iter().all(|at| *at <= acknowledged[0]),
        "{vanished:?} {acknowledged:?}"
    );
    assert!(
        has(PRESENT, "1", &[1.0, 1.0])(&samples),
        "the other one stays"
    );
    assert!(polls(&samples) >= before, "no counter is reset");
    let (_, tracks) = exporter.get("/api/v1/tracks").await;
    assert!(!tracks.contains("to-central"), "{tracks}");
    let line = "msg=\"forgot a deleted track\" account=prod track_id=2 track=to-central";
    assert!(exporter.log().contains(line), "{}", exporter.log());
    // Repeating the request is no error. It changes nothing, and does not poll again.
    let again = forget(&exporter, "2/forget?account=prod").await;
    assert_eq!(again, (200, said.to_owned()));
    let later = exporter.metrics().await;
    let still = later.values(ACKNOWLEDGED, &[("track", "to-central"), ("team", "core")]);
    assert_eq!(still, acknowledged);
    let line = "msg=\"forgot a deleted track\"";
    assert_eq!(exporter.log().matches(line).count(), 1);

    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0));
    let exporter = Exporter::start(Some(&site.file), &with(&[LIFECYCLE]));
    let polled = |it: &Samples| it.sum("cloudaudit_polls_total", &[]) >= 4.0;
    let samples = exporter.metrics_when("it polls again", polled).await;
    assert!(
        has(PRESENT, "2", &[])(&samples),
        "a restart does not bring it back"
    );
    assert_eq!(samples.values(ACKNOWLEDGED, &[("track_id", "2")]).len(), 2);

    // If the track returns and is deleted again, that counts as a new deletion.
    account.create(Track::new(2, "to-central"));
    let samples = exporter
        .metrics_when("it is back", has(PRESENT, "2", &[1.0, 1.0]))
        .await;
    assert!(samples.values(ACKNOWLEDGED, &[]).is_empty());
    account.delete(2).unwrap();
    exporter
        .metrics_when("it is deleted again", has(PRESENT, "2", &[0.0, 0.0]))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_named() {
    let (site, account) = two_regions().await;
    let exporter = Exporter::start(Some(&site.file), &with(&[LIFECYCLE]));
    exporter
        .metrics_when("both are listed", has(PRESENT, "2", &[1.0, 1.0]))
        .await;
    for (path, status, why) in [
        (
            "2/forget?account=sandbox",
            404,
            "this process polls no account sandbox\n",
        ),
        (
            "2/forget?account=prod",
            404,
            "track 2 of account prod is not deleted: ap-guangzhou lists it\n",
        ),
        (
            "9/forget?account=prod",
            404,
            "account prod has no deleted track 9; no track is deleted\n",
        ),
    ] {
        assert_eq!(forget(&exporter, path).await, (status, why.to_owned()));
    }
    account.delete(2).unwrap();
    exporter
        .metrics_when("it is deleted", has(PRESENT, "2", &[0.0, 0.0]))
        .await;
    let why = "account prod has no deleted track 9; its deleted tracks are 2 (to-central)\n";
    assert_eq!(
        forget(&exporter, "9/forget?account=prod").await,
        (404, why.to_owned())
    );
    for path in [
        "to-central/forget?account=prod",
        "2/forget",
        "2/forget?team=core",
        "2/forget?account=prod&account=x",
    ] {
        let (status, why) = forget(&exporter, path).await;
        assert_eq!(status, 400, "{path}");
        assert!(
            why.contains("/api/v1/tracks/ID/forget?account=NAME"),
            "{why}"
        );
    }
    assert_eq!(
        exporter.get("/api/v1/tracks/2/forget?account=prod").await.0,
        405
    );
    // A hostile page in an operator's browser sends its origin along.
    let url = format!(
        "http://{}/api/v1/tracks/2/forget?account=prod",
        exporter.address()
    );
    let request = client()
        .post(url)
        .header("origin", "http://elsewhere.example");
    assert_eq!(request.send().await.unwrap().status(), 403);
    assert!(has(PRESENT, "2", &[0.0, 0.0])(&exporter.metrics().await));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_flag_nothing_is_forgotten() {
    let (site, account) = two_regions().await;
    let exporter = Exporter::start(Some(&site.file), &with(&[]));
    exporter
        .metrics_when("both are listed", has(PRESENT, "2", &[1.0, 1.0]))
        .await;
    account.delete(2).unwrap();
    exporter
        .metrics_when("it is deleted", has(PRESENT, "2", &[0.0, 0.0]))
        .await;
    let (status, why) = forget(&exporter, "2/forget?account=prod").await;
    assert_eq!(status, 403);
    assert!(why.contains("--web.enable-lifecycle"), "{why}");
    sleep(Duration::from_secs(1)).await;
    assert!(has(PRESENT, "2", &[0.0, 0.0])(&exporter.metrics().await));
}
