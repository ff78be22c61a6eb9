//! The page on which the results stand. Two passes write on it, each its own part.

use std::ops::Range;

/// The page's name.
pub const PAGE: &str = "RESULTS.md";

/// The heading of the part about the real functions. The part ends where the next of its kind begins.
const REAL: &str = "## The real functions, in real time\n";

/// That part, as long as there is nothing to say.
pub const NOTHING_REAL: &str =
    "## The real functions, in real time\n\nNot measured yet: `make bench`.\n";

fn place(page: &str) -> Option<Range<usize>> {
    let begin = page.find(REAL)?;
    let (_, rest) = page.split_at_checked(begin + REAL.len())?;
    let end = rest.find("\n## ").map_or(page.len(), |at| begin + REAL.len() + at + 1);
    Some(begin..end)
}

/// The part about the real functions; `None` where a page has none.
#[must_use]
pub fn real(page: &str) -> Option<&str> {
    page.get(place(page)?)
}

/// The page with these words in that part; `None` where it has none.
#[must_use]
pub fn with_real(page: &str, words: &str) -> Option<String> {
    let Range { start, end } = place(page)?;
    Some([page.get(..start)?, REAL, "\n", words.trim(), "\n\n", page.get(end..)?].concat())
}
