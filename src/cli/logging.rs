//! Log lines: what `--log FILTER` shows, on the screen that the progress uses.

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::terminal::Screen;

/// Starts logging; the error says what is wrong with the filter.
pub fn start(filter: Option<&str>, screen: &Screen) -> Result<(), String> {
    let Some(filter) = filter else { return Ok(()) };
    let targets: Targets = filter.parse().map_err(|_| {
        format!("`--log {filter}` is no filter: write a level (error, warn, info, debug, trace) or target=level, with commas between")
    })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(screen.clone()).with_ansi(false);
    // A second call in one process, as tests make, keeps the first.
    let _ = tracing_subscriber::registry().with(targets).with(lines).try_init();
    Ok(())
}
