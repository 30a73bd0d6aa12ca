//! The listing cache: an unchanged response is not parsed again, and results are the same as
//! without the cache.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloudaudit_exporter::failure::Failure;
use cloudaudit_exporter::snapshot::{Listing, Status};
use cloudaudit_exporter::tencent::Client;
use proptest::prelude::*;
use tokio::time::Instant;

use crate::support::scripted::{Notes, answer, options, parts, scripted};

/// A track of the cloud: id, name, status.
type Row = (u64, String, u8);

/// The current state of the cloud.
#[derive(Clone, Debug, Default)]
struct World {
    rows: Vec<Row>,
    /// Added to the true total.
    too_many: i64,
    /// The JSON text of the request id. Each `%` stands for the number of the call.
    request_id: String,
}

/// A cloud, and a client that lists it repeatedly.
struct Scene {
    world: Arc<Mutex<World>>,
    page_size: u32,
    client: Client,
}

impl Scene {
    fn of(world: World, page_size: u32) -> Self {
        let world = Arc::new(Mutex::new(world));
        let client = client(&world, page_size);
        Self {
            world,
            page_size,
            client,
        }
    }

    async fn list(&self) -> Result<Arc<Listing>, Failure> {
        list(&self.client).await
    }

    /// Lists with a new client, whose cache is empty.
    async fn list_without_cache(&self) -> Result<Arc<Listing>, Failure> {
        list(&client(&self.world, self.page_size)).await
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Row>)) {
        change(&mut self.world.lock().unwrap().rows);
    }
}

fn client(world: &Arc<Mutex<World>>, page_size: u32) -> Client {
    let world = Arc::clone(world);
    let calls = Mutex::new(0);
    let transport = scripted(move |number, size, _| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        answer(page(&world.lock().unwrap(), number, size, *calls))
    });
    Client::new(parts(transport), options(page_size))
}

async fn list(client: &Client) -> Result<Arc<Listing>, Failure> {
    let until = Instant::now() + Duration::from_mins(1);
    let notes = Notes::default();
    client.list("ap-guangzhou", until, &notes).await
}

fn page(world: &World, number: u64, size: u64, call: u32) -> String {
    let from = usize::try_from((number - 1) * size).unwrap();
    let size = usize::try_from(size).unwrap();
    let tracks: Vec<String> = world
        .rows
        .iter()
        .skip(from)
        .take(size)
        .map(|(id, name, status)| {
            format!(r#"{{"TrackId":{id},"Name":{name:?},"Status":{status}}}"#)
        })
        .collect();
    let tracks = tracks.join(",");
    let total = (world.rows.len() as u64).saturating_add_signed(world.too_many);
    let id = world.request_id.replace('%', &call.to_string());
    format!(r#"{{"Response":{{"Tracks":[{tracks}],"TotalCount":{total}{id}}}}}"#)
}

fn rows(count: u64) -> World {
    World {
        rows: (1..=count)
            .map(|id| (id, format!("track-{id}"), 1))
            .collect(),
        too_many: 0,
        request_id: r#","RequestId":"0f6a-%""#.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_response_returns_the_same_allocation() {
    for count in [0, 1, 3, 4, 7] {
        let scene = Scene::of(rows(count), 2);
        let first = scene.list().await.unwrap();
        let second = scene.list().await.unwrap();
        assert!(Arc::ptr_eq(&first, &second), "{count} tracks");
    }
}

/// On the first page, in the middle, on the last one, and in the total alone.
#[tokio::test(start_paused = true)]
async fn every_difference_is_noticed() {
    for changed in 0..5 {
        let scene = Scene::of(rows(5), 2);
        let before = scene.list().await.unwrap();
        scene.change(|rows| rows[changed].2 = 0);
        let after = scene.list().await.unwrap();
        assert_eq!(after.tracks[changed].status, Status::Disabled);
        assert_eq!(after, scene.list_without_cache().await.unwrap());
        scene.change(|rows| rows[changed].2 = 1);
        assert_eq!(scene.list().await.unwrap(), before, "changed back");
    }
    let scene = Scene::of(rows(5), 5);
    let _ = scene.list().await.unwrap();
    scene.world.lock().unwrap().too_many = -1;
    assert_eq!(scene.list().await.unwrap().reported, 4);
}

/// Request ids that are missing, malformed or not plain text.
#[tokio::test(start_paused = true)]
async fn a_response_without_a_plain_request_id_is_always_parsed() {
    let long = format!(r#","RequestId":"{}%""#, "a".repeat(100));
    for request_id in [
        "",
        r#","RequestId":%"#,
        r#","RequestId": "0f6a-%""#,
        r#","RequestId":"\u00e9%""#,
        r#","RequestId":"%\",\"Tracks\":[""#,
        &long,
    ] {
        let world = World {
            request_id: request_id.to_owned(),
            ..rows(3)
        };
        let scene = Scene::of(world, 2);
        for _ in 0..2 {
            let listed = scene.list().await;
            let uncached = scene.list_without_cache().await;
            assert_eq!(listed.is_ok(), uncached.is_ok(), "{request_id}");
            if let (Ok(listed), Ok(uncached)) = (listed, uncached) {
                assert_eq!(listed, uncached, "{request_id}");
            }
            scene.change(|rows| rows[2].2 = 0);
        }
    }
}

/// A track name that looks like a request id does not hide a change of the name.
#[tokio::test(start_paused = true)]
async fn a_name_is_not_mistaken_for_a_request_id() {
    let mut world = rows(2);
    world.request_id.clear();
    world.rows[1].1 = r#""RequestId":"one""#.to_owned();
    let scene = Scene::of(world, 2);
    let _ = scene.list().await.unwrap();
    scene.change(|rows| rows[1].1 = r#""RequestId":"two""#.to_owned());
    let listing = scene.list().await.unwrap();
    assert_eq!(listing.tracks[1].name, r#""RequestId":"two""#);
}

/// The listing has only one version of a track that is on two pages, so both pages are parsed
/// again.
#[tokio::test(start_paused = true)]
async fn a_track_on_two_pages_is_always_parsed() {
    let mut world = rows(3);
    world.rows.insert(2, (1, "another".to_owned(), 0));
    world.too_many = -1;
    let scene = Scene::of(world, 2);
    let first = scene.list().await.unwrap();
    assert_eq!(first.tracks[0].name, "another", "the later page counts");
    // The first page and the total stay the same.
    scene.world.lock().unwrap().too_many = 0;
    scene.change(|rows| drop(rows.remove(2)));
    let second = scene.list().await.unwrap();
    assert_eq!(second.tracks[0].name, "track-1");
    assert_eq!(second, scene.list_without_cache().await.unwrap());
}

fn change() -> impl Strategy<Value = (u8, prop::sample::Index)> {
    (0_u8..6, any::<prop::sample::Index>())
}

fn apply(rows: &mut Vec<Row>, (kind, index): &(u8, prop::sample::Index)) {
    let next = rows.iter().map(|row| row.0).max().unwrap_or_default() + 1;
    let at = if rows.is_empty() {
        0
    } else {
        index.index(rows.len())
    };
    match kind {
        0 => rows.insert(at, (next, format!("track-{next}"), 1)),
        1 => rows.push((next, "new".to_owned(), 0)),
        2 if !rows.is_empty() => drop(rows.remove(at)),
        3 if !rows.is_empty() => rows[at].2 ^= 1,
        4 if !rows.is_empty() => rows[at].1.push('x'),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_cache_does_not_change_results(
        count in 0_u64..12,
        page_size in 1_u32..5,
        changes in prop::collection::vec(change(), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let scene = Scene::of(rows(count), page_size);
            for next in &changes {
                prop_assert_eq!(scene.list().await.unwrap(), scene.list_without_cache().await.unwrap());
                scene.change(|rows| apply(rows, next));
            }
            Ok(())
        })?;
    }
}
