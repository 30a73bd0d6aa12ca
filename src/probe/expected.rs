//! Compares the listed tracks of an account with its expected tracks.

use std::collections::BTreeSet;

use super::findings::{ExpectedFinding, RegionFindings, TrackProblem};
use crate::snapshot::{ExpectedTrack, Status, Track};

/// Returns a finding for each expected track. A track that is not listed may be in a region that could
/// not be listed.
pub(super) fn compare(
    expected: &[ExpectedTrack],
    regions: &[RegionFindings],
) -> Vec<ExpectedFinding> {
    let is_complete = regions.iter().all(|region| region.tracks.is_ok());
    let listings = regions
        .iter()
        .filter_map(|region| region.tracks.as_ref().ok());
    let tracks: Vec<&Track> = listings.flat_map(|listing| &listing.tracks).collect();
    let expected = expected.iter().map(|expected| ExpectedFinding {
        name: expected.name.clone(),
        problem: problem(expected, &tracks, is_complete),
    });
    expected.collect()
}

fn problem(expected: &ExpectedTrack, tracks: &[&Track], is_complete: bool) -> Option<TrackProblem> {
    let named = tracks
        .iter()
        .filter(|track| expected.is_named_by(track) != Some(false));
    // A track that differs in one region differs.
    let wrong = |track: &&&Track| expected.is_met_by(track, track.status) == Some(false);
    let wrong_ids: BTreeSet<u64> = named.clone().filter(wrong).map(|track| track.id).collect();
    if named.clone().any(|track| !wrong_ids.contains(&track.id)) {
        return None;
    }
    let Some(first) = named.clone().find(wrong) else {
        return Some(if is_complete {
            TrackProblem::NotListed
        } else {
            TrackProblem::Unknown
        });
    };
    let fields = expected.different_fields(first);
    Some(if first.status == Status::Enabled || !fields.is_empty() {
        TrackProblem::Different(fields)
    } else {
        TrackProblem::Off
    })
}
