//! Prepared pages of tracks.

/// Returns the only page of a listing, up to its request id.
pub(super) fn page(tracks: usize, first_status: u8) -> Vec<u8> {
    let track = |id| full(id, if id == 1 { first_status } else { 1 });
    body(&(1..=tracks).map(track).collect::<Vec<_>>(), tracks)
}

/// Returns so many pages of a listing, up to their request ids, with tracks of this `Detail`. Every
/// track is enabled.
pub(super) fn pages(count: usize, tracks: usize, detail: usize) -> Vec<Vec<u8>> {
    let track = [|id| full(id, 1), shown, least][detail];
    let page = |number| {
        let ids = number * tracks + 1..=(number + 1) * tracks;
        body(&ids.map(track).collect::<Vec<_>>(), count * tracks)
    };
    (0..count).map(page).collect()
}

fn body(tracks: &[String], total: usize) -> Vec<u8> {
    let tracks = tracks.join(",");
    format!(r#"{{"Response":{{"Tracks":[{tracks}],"TotalCount":{total},"RequestId":""#).into()
}

fn full(id: usize, status: u8) -> String {
    format!(
        r#"{{"TrackId":{id},"Name":"audit-track-{id:06}","ActionType":"*","ResourceType":"*","Status":{status},"EventNames":["*"],"Storage":{{"StorageType":"cos","StorageRegion":"ap-guangzhou","StorageName":"audit-log-{id:06}-1250000000","StoragePrefix":"cloudaudit","StorageAccountId":"100000000001","StorageAppId":"1250000000"}},"CreateTime":"2021-01-14 14:43:38","TrackForAllMembers":0}}"#
    )
}

/// A track with what the exporter shows of it.
fn shown(id: usize) -> String {
    let full = full(id, 1);
    full.replace(r#","StorageAppId":"1250000000""#, "")
        .replace(r#","TrackForAllMembers":0"#, "")
}

/// A track without anything that may be absent.
fn least(id: usize) -> String {
    format!(r#"{{"TrackId":{id},"Status":1}}"#)
}
