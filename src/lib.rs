//! # cloudaudit-exporter
//!
//! A Prometheus exporter for Tencent Cloud CloudAudit. CloudAudit delivers the operation log of an
//! account through *tracks*; if a track is disabled or deleted, the log stops without any alarm.
//! The exporter polls the tracks of every configured account and region on a schedule, compares
//! each listing with the previous one, and serves the result on `/metrics`. A scrape never waits for
//! the cloud: it reads what the latest polls have rendered.
//!
//! This page is the map of the crate: the flow of the data, the words, and the modules in the order
//! in which to read them.
//!
//! ## The flow of the data
//!
//! ```text
//! command line, environment, file
//!        │  cli, config
//!        ▼
//!     Config ──▶ app ──▶ fleet: the accounts of this shard; rate limiters and transports
//!        organization ──▶  │    that accounts share; members of organizations
//!                          │
//!                          │  one task per account
//!                          ▼
//!                        poll: every region of the account, once per interval
//!                          │
//!                          │  tencent: for each page get the credential, wait for the rate
//!                          │  limiter, sign, send, parse, retry
//!                          ▼
//!                 a listing or a failure for each region
//!                          │
//!                          │  history: compare with what was known
//!                          ▼
//!                       report
//!                          │
//!                          │  exposition: text
//!                          ▼
//!                      publisher ──▶ http: /metrics, the page, the API, /-/ready
//!                          │
//!                          └───────▶ state: the state file, from the latest reports
//! ```
//!
//! Accounts are independent. Each has its own credential, schedule, history and rendered text, so a
//! slow or failing account delays no other.
//!
//! ## One poll, from tick to bytes
//!
//! 1. `poll::Account::run`: the account's interval ticks. Each region that has no poll running
//!    begins one.
//! 2. `Poller::poll`: polls a region within its time limits. Its observer, `Counting`, counts the
//!    requests in `snapshot::ApiCounters`.
//! 3. `Client::list_again`: `tencent::paging` reads the pages, each through `Dispatcher::send`, and
//!    the result is a `Listing`, or a failure, perhaps with the tracks that were seen.
//! 4. `InFlightPolls::next`: returns the outcome, which `Account::run` hands to
//!    `AccountState::poll_ended` (in `poll::state`). Its `update` takes steps 5 to 10 in one go;
//!    the changes are logged after that.
//! 5. `TargetHistory::listed`: compares the listing with the last one (`diff`), and `accrue` counts
//!    its time as evidence. After a failure it is `TargetHistory::seen` or `failed`.
//! 6. `AccountState::report`: builds the `Report`, with the figures of `OverviewCache`.
//! 7. `PublishHandle::publish`: passes on the `Arc<Report>` and appends the changes to the
//!    `ChangeFeed`, unless the account was stopped.
//! 8. The closure of `ExporterState::publisher_for` (in `app`): with a state file, limits the
//!    evidence to the persisted part.
//! 9. `publisher::Account::publish`: renders fragments with `Renderer::render`.
//! 10. `publisher::bucket::Bucket::publish`: replaces the account's fragments, and marks the
//!     metrics that changed.
//! 11. `Routes::respond`, `ExporterState::exposition` and `Publisher::scrape`: a scrape begins.
//! 12. `Publisher::update`: each `Bucket` joins its marked metrics to a `Chunk` each, and a
//!     `MetricFamily` groups the chunks of all buckets. It does nothing while accounts change.
//! 13. `Shown::scrape`: takes the families, and the series of the process from `Process::parts`.
//! 14. `Scrape::plain`, where a `PieceBuffer` joins small pieces, or `Scrape::gzip`, where `gzip`
//!     deflates the `Segment`s that changed and makes one gzip member. `http` sends the pieces.
//!
//! ## The words
//!
//! The code, the documentation and the messages use the same word for the same thing:
//!
//! * An **account** is one configured Tencent Cloud account. A **target** is an account in an API
//!   region. A **storage target** is where tracks deliver to: a COS bucket, a CLS topic or a CKafka
//!   topic. Whether the log arrives there is its **delivery**.
//! * A **track** is a tracking set (跟踪集) of CloudAudit.
//! * A **poll** is one complete attempt to list the tracks of a target. It reads **pages**; each
//!   page is a **request** to the API and its **response**. A **walk** reads all pages once;
//!   `tencent::paging` repeats a walk that does not add up.
//! * A **listing** is the complete result of a poll. Otherwise the poll ends with a **failure**,
//!   which has one of eight **reasons** (see [`failure`]).
//! * The **history** of a target is what was known before, and the changes since. A **tombstone**
//!   is a deleted track that is still shown. **Coverage** is whether enabled tracks record all
//!   operations of an account. **Evidence** is the time that complete listings account for, and the
//!   part of it with coverage.
//! * An **operation record** is an entry of the operation log. **Attribution** finds the operation
//!   that made a change, and so its **operator**. A **sweep** reads the records of
//!   all write operations on CloudAudit.
//! * A **report** is everything that is known of one account, published as a whole. A **snapshot**
//!   type is a plain value: it waits for nothing and changes nothing else.
//! * A **credential** is a key, perhaps temporary. A **provider** supplies it and **refreshes** it.
//! * The **rate limiter** (`Pacer`) paces requests: each request waits for a **permit**. The **AIMD
//!   limit** (additive increase, multiplicative decrease) is the part of the configured rate that
//!   may be used: a throttled request halves it, and it then grows back. Apart from that, a fixed
//!   number of permits caps the requests in flight.
//! * A **transport** is an HTTP client to one endpoint.
//! * The **exposition** is the text that Prometheus scrapes: **metric families** of **series**,
//!   each with a **sample**. The text of a metric is rendered as a **fragment** for each account,
//!   joined to a **chunk** for each bucket of accounts, and compressed in **segments** of chunks.
//! * A **shard** is one of several processes that divide the accounts.
//! * A **heartbeat** shows that a loop still runs. A loop without one has stalled, which
//!   `/-/healthy` and the watchdog of systemd report.
//! * The **simulator** is the simulated Tencent Cloud of the demo and the tests.
//!
//! ## The modules
//!
//! Helpers come first, and then, for the most part, what is built on them. A module may use only what
//! the table in `tests/unit/layers.rs` allows. `docs/CONTRIBUTING.md` says, file by file, how to add a
//! metric, a key, an alert, a source of credentials, a column of the page and a filter of the API.
//!
//! Plain values and small helpers:
//!
//! * [`snapshot`]: tracks, listings and reports as plain values
//! * [`failure`]: the reasons of a failed request or poll
//! * [`duration`]: durations as text
//! * [`clock`]: the wall clock, read only here, together with the steady clock
//! * [`escape`]: makes invisible characters visible in messages
//! * [`hash`]: the stable hash for schedules, shards and the publisher's buckets
//! * [`shard`]: which accounts this process polls. `config::shard_key` says which stay together
//!
//! The operating system:
//!
//! * [`files`]: reads files with a size limit and a timeout
//! * [`replace`]: replaces files atomically
//! * [`pem`]: certificates in PEM files
//! * [`resources`]: limits of memory and open files
//! * [`signals`]: the signals that stop or reload the process
//! * [`stdio`]: writes to standard output and standard error
//! * [`systemd`]: notifies the service manager, and feeds its watchdog while no loop has stalled
//! * [`heartbeat`]: finds stalled loops; `poll::Schedule` says when a loop is late
//! * [`logging`]: the log on standard error. `cli` has the flags of its format and level
//!
//! The API client:
//!
//! * [`tencent`]: requests, signatures, credentials, rate limiting, retries, paging. `reasons` maps an
//!   error code or an HTTP status to its reason (for buckets, `storage::cos::errors` does),
//!   `dispatcher` decides whether to retry, and `retries` counts the attempts and has the delays.
//!   `pace` has the arithmetic of the rate limit, `aimd` the AIMD limit, `pacer` the queue.
//!   `track_walk` judges whether a walk of tracks is complete, and `paging` repeats it. Which hosts get
//!   a request: `config::site` has the hosts of the cloud, `config::endpoint` accepts others,
//!   `storage::clients` and `storage::cos::bucket` the names that become the host of a bucket, and
//!   `http_transport` follows no redirect. `connections` keeps the connections of one identity,
//!   `descriptors` has the caps on connections to the cloud. `credentials::reloading` reads key files
//!   again, and `credentials::refreshing` renews temporary keys
//! * [`proxy`]: the proxy for requests to the cloud
//!
//! From polls to reports:
//!
//! * [`history`]: compares listings; changes, tombstones, coverage, evidence
//! * [`changes`]: the change feed, with the latest changes of all accounts
//! * [`attribution`]: finds the operation that made a change, in the operation records. `matching`
//!   is the rule, `lookup` says when to search again and when to give up, and `sweep` says which
//!   period to read and what the records count as. `poll::search` sends the requests
//! * [`delivery`]: whether operation records arrive where tracks deliver to. `book` says when each
//!   storage target is checked, `rules` what a check proves, `operations` whether a record is due,
//!   and `targets` finds them in the listings. `tencent::storage` sends the requests
//! * [`poll`]: the loop of one account, which calls the four modules above. `change_line` words the
//!   log lines of changes, and `log` limits them
//! * [`state`]: the state file, which keeps the history over a restart. `state::saved` is its
//!   content: it converts reports. Smaller `snapshot` types serialize themselves, and their serde
//!   attributes are their format. `state::encoding` is its header, which accepts or refuses a file.
//!   `app::persisted` drops histories that are too old
//!
//! From reports to responses:
//!
//! * [`exposition`]: the metrics of accounts as text. `exposition::metric` is the table of them,
//!   and the file of each subject writes the samples
//! * [`publisher`]: the latest text of every account, joined, and compressed by `publisher::gzip`
//! * [`process`]: the metrics of the process, its organizations and its API latency, registered in
//!   `Process::new`
//! * [`http`]: the listener, the page, the API. `http::handler` has the paths and the filters of
//!   each, `http::query` reads a query and lists all filters and sections, `http::view` selects the
//!   rows, and `http::routes` checks a request and answers it. `http::descriptors` has the cap on
//!   connections, and `http::time_limits` the timeouts. `app::ExporterState` implements
//!   `http::Content`, which is what every path shows, including readiness
//! * [`web_config`]: the file of `--web.config.file`, with TLS and basic authentication. `file` has
//!   the keys, `settings` checks them, and `suites` has the versions and ciphers of TLS
//!
//! The configuration, and all accounts:
//!
//! * [`config`]: the configuration file and its environment overrides. `config::keys` states every
//!   key once, with its type, `config::leaf` has the types (how a value is parsed, and its limits),
//!   and `config::defaults` the defaults. `config::resolve` turns the keys into values and checks
//!   how they fit together. `config::keys::source` chooses the source of credentials
//! * [`organization`]: discovers the member accounts of an organization. `accounts` says which are
//!   polled, and `discovery` is the loop. `tencent::organization` requests and parses their list
//! * [`fleet`]: starts, replaces and stops the tasks of accounts, also on a reload or a discovery.
//!   `PreparedAccount::matches` decides which accounts are unchanged, and `providers` and
//!   `file_providers` create their credential providers. `all_accounts` spreads the first polls,
//!   and `poll::Schedule` says when the later ones are
//! * [`probe`]: tries each kind of request, for `check --online`; `commands::check::remedy` words
//!   what to do
//!
//! The program:
//!
//! * [`cli`]: the command line
//! * [`commands`]: `check`, `once`, `health`, the daemon. `commands::error` has the exit codes,
//!   except that of a panic, in `main.rs`
//! * [`app`]: connects the modules to the daemon and to `once`. `app::reload` and `app::file_watch`
//!   reload the configuration
//! * [`demo`]: the daemon against the simulator, with a schedule of events
//! * [`sim`]: the simulator, with a module or a few for each product that it answers for.
//!   `sim::fault` is the list of its faults, and `sim::denials` what it denies

// Plain values and small helpers.
pub mod clock;
pub mod duration;
pub mod escape;
pub mod failure;
pub mod hash;
pub mod shard;
pub mod snapshot;

// The operating system.
pub mod files;
pub mod heartbeat;
pub mod logging;
pub mod pem;
pub mod replace;
pub mod resources;
pub mod signals;
pub mod stdio;
pub mod systemd;

// The API client.
pub mod proxy;
pub mod tencent;

// From polls to reports.
pub mod attribution;
pub mod changes;
pub mod delivery;
pub mod history;
pub mod poll;
pub mod state;

// From reports to responses.
pub mod exposition;
pub mod http;
pub mod process;
pub mod publisher;
pub mod web_config;

// The configuration, and all accounts.
pub mod config;
pub mod fleet;
pub mod organization;
pub mod probe;

// The program.
pub mod app;
pub mod cli;
pub mod commands;
pub mod demo;
pub mod sim;
