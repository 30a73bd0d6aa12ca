//! The roles of this program when it starts itself again as another process of a measurement.

mod bare;
mod bucket;
mod cloud;
mod floor;
mod pages;
mod work;

pub(crate) use self::work::WORK;

/// Runs a role until the process is ended.
pub(crate) fn run(role: &str, arguments: &[String]) {
    match role {
        "bare" => bare::run(arguments),
        "cloud" => cloud::run(arguments),
        "floor" => floor::run(arguments),
        "work" => work::run(arguments),
        _ => panic!("there is no role {role}"),
    }
}

/// A runtime with as many threads as the exporter's.
fn runtime() -> tokio::runtime::Runtime {
    const MOST_THREADS: usize = 4;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(MOST_THREADS))
        .enable_all()
        .build()
        .expect("a system that can start a process can start its threads")
}

/// A number among the arguments.
fn number<T: std::str::FromStr>(arguments: &[String], index: usize) -> T {
    let argument = arguments.get(index).and_then(|text| text.parse().ok());
    argument.unwrap_or_else(|| panic!("argument {index} of {arguments:?} is no number"))
}
