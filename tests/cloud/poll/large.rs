//! Reports that take long to render.

use std::thread::current;

use cloudaudit_exporter::poll::Memory;

use super::cloud::{Call, Reply, page};
use super::world::{World, intervals_after};

/// Returns a script that lists `count` tracks on pages of 50.
fn tracks(count: u64) -> impl FnMut(&Call) -> Reply {
    move |call| {
        let ids = (call.page - 1) * 50..(call.page * 50).min(count);
        let tracks: Vec<String> = ids
            .map(|id| format!(r#"{{"TrackId":{},"Status":1}}"#, id + 1))
            .collect();
        let tracks: Vec<&str> = tracks.iter().map(String::as_str).collect();
        Reply::Body(page(count, &tracks))
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_report_is_published_off_the_runtime_thread_and_in_order() {
    for (count, is_large) in [(100, false), (101, true), (1_000, true)] {
        let mut world = World::new(tracks(count));
        world.options.page_size = 50;
        let start = world.start("a", &["r"]);
        intervals_after(start, 3).await;
        let published = world.published();
        assert!(published.len() > 3, "{count}");
        for pair in published.windows(2) {
            assert!(pair[0].now.steady <= pair[1].now.steady, "{count}");
        }
        let last = published.last().unwrap();
        let good = last.target("r").last_good.as_ref().unwrap();
        assert_eq!(good.listing.tracks.len() as u64, count);
        assert_eq!(last.thread != current().id(), is_large, "{count}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_report_of_an_earlier_task_is_published_off_the_runtime_thread() {
    for (count, is_large) in [(100, false), (101, true)] {
        let mut world = World::new(tracks(count));
        world.options.page_size = 50;
        assert!(world.account("a", &["r"]).await.poll_once().await);
        let known = world.published().pop().map(|it| it.report);
        let memory = Memory {
            report: known,
            ..Memory::default()
        };
        drop(world.resumed("a", &["r"], memory).await);
        let first = world.published().pop().unwrap();
        let good = first.target("r").last_good.as_ref().unwrap();
        assert_eq!(good.listing.tracks.len() as u64, count);
        assert_eq!(first.thread != current().id(), is_large, "{count}");
    }
}
