//! The part of an account's state that searches for the operators who made changes.

use std::sync::Arc;
use std::time::Duration;

use super::AccountState;
use crate::attribution::Polls;
use crate::changes::FeedUpdate;
use crate::poll::attribution::Found;
use crate::poll::operators::{listed_track, show_operators, unseen_records};
use crate::poll::search::{SearchEnd, SearchJob};
use crate::snapshot::{Attribution, AttributionResult, ChangeRecord, ChangeSource};

impl AccountState {
    /// Continues the searches of an earlier process, which may have ended right after a request.
    pub(in crate::poll) async fn searches_restarted(mut self: Box<Self>) -> Box<Self> {
        let now = self.clock.now().wall;
        let has_any = self.searches.as_mut().is_some_and(|searches| {
            searches.restarted(now);
            searches.has_any()
        });
        if !has_any {
            return self;
        }
        let (state, _) = self.update(0, |_| FeedUpdate::default()).await;
        state
    }

    /// Begins the search that is due. The caller makes it.
    pub(in crate::poll) fn begin_search(&mut self) -> Option<SearchJob> {
        let now = self.clock.now().wall;
        self.searches.as_mut()?.begin(now, self.poller.skew())
    }

    /// The same for a single round, which does not wait for more changes.
    pub(in crate::poll) fn begin_search_at_once(&mut self) -> Option<SearchJob> {
        let now = self.clock.now().wall;
        self.searches
            .as_mut()?
            .begin_at_once(now, self.poller.skew())
    }

    /// Returns how long to wait for the next search. `None` if there is none, or one is running.
    pub(in crate::poll) fn next_search(&mut self) -> Option<Duration> {
        let now = self.clock.now().wall;
        self.searches.as_mut()?.due_in(now)
    }

    /// Records and publishes the end of a search.
    pub(in crate::poll) async fn searched(self: Box<Self>, end: SearchEnd) -> Box<Self> {
        let (state, changed) = self.update(0, |state| state.enter_search(end)).await;
        for record in &changed {
            if record.source == ChangeSource::Operation {
                state.log.change(record);
            }
            let searches = state.searches.as_ref();
            if !searches.is_some_and(|searches| searches.has(record.id)) {
                state.log.operator(record);
            }
        }
        if changed.is_empty() {
            return state;
        }
        let show = |state: &mut Self| {
            state.show_operators();
            FeedUpdate::default()
        };
        let (state, _) = state.update(0, show).await;
        state
    }

    fn enter_search(&mut self, end: SearchEnd) -> FeedUpdate {
        let now = self.clock.now().wall;
        let latest = self.handle.changes().latest(now);
        let own: Vec<&ChangeRecord> = of_account(&latest, &self.info.name).collect();
        let running = self.running_since.iter().flatten();
        let histories = &self.histories;
        let polls = Polls {
            settled: running.min().map_or(now, |began| now.min(*began)),
            listed: &|track| listed_track(histories, track),
        };
        let Some(searches) = &mut self.searches else {
            return FeedUpdate::default();
        };
        let Found {
            updates,
            swept,
            failure,
        } = searches.end(end, own.iter().copied(), polls, now, self.poller.skew());
        if let Some(failure) = failure {
            self.log.search_failed(&failure);
        }
        if swept.is_cut {
            self.log.records_lost();
        }
        self.log.attempts(&swept.attempts);
        let unseen = swept.unseen.into_iter();
        FeedUpdate {
            new: unseen
                .flat_map(|unseen| unseen_records(&self.info.name, histories, unseen))
                .collect(),
            attributions: updates
                .into_iter()
                .map(|update| (update.change, update.attribution))
                .collect(),
        }
    }

    /// Searches for the operators of changes again after a restart, or ends their searches if
    /// attribution was disabled or the history is another.
    pub(super) fn resume_searches(&mut self) -> FeedUpdate {
        let now = self.clock.now().wall;
        let latest = self.handle.changes().latest(now);
        let own = of_account(&latest, &self.info.name);
        let pending: Vec<&ChangeRecord> = own.filter(|record| record.is_pending()).collect();
        let has_history = self.handle.memory().report.is_some();
        let ended = match &mut self.searches {
            Some(searches) if has_history => {
                searches.resume(pending);
                return FeedUpdate::default();
            }
            Some(_) => AttributionResult::Failed,
            None => AttributionResult::Off,
        };
        let ended = pending.into_iter().map(|record| {
            let attribution = Attribution::without_operation(ended);
            (record.id, attribution)
        });
        FeedUpdate {
            attributions: ended.collect(),
            ..FeedUpdate::default()
        }
    }

    /// Shows the tracks of the feed that sweeps saw switched off, and the operators as labels if that is
    /// configured.
    pub(super) fn show_operators(&mut self) {
        let is_shown = self.searches.as_ref().map(|it| it.settings.operator_label);
        let latest = self.handle.changes().latest(self.clock.now().wall);
        let own: Vec<&ChangeRecord> = of_account(&latest, &self.info.name).collect();
        if let Some(searches) = &mut self.searches {
            searches.show_unseen(&own);
        }
        let own = (is_shown == Some(true)).then_some(&own[..]);
        show_operators(&mut self.histories, own);
    }
}

fn of_account<'a>(
    changes: &'a [Arc<ChangeRecord>],
    account: &'a str,
) -> impl Iterator<Item = &'a ChangeRecord> {
    let changes = changes.iter().map(Arc::as_ref);
    changes.filter(move |record| record.account == account)
}
