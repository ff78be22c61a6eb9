//! What no file of the repository says.

use crate::repository;

#[test]
fn no_file_tells_of_the_place_where_it_was_written() {
    // Put together here, so that this file does not say it either.
    let never = [
        concat!("issue", " #"),
        concat!("/wo", "rk/"),
        concat!("arti", "factory"),
        concat!("pypi", ".org"),
        concat!("crates", ".io"),
        concat!("npm", "js."),
    ];
    for (path, text) in repository::texts() {
        // Cargo writes the address of its registry into it, whichever one it uses.
        if path.ends_with("Cargo.lock") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let line = line.to_lowercase();
            for words in never {
                assert!(!line.contains(words), "{}:{}: {words}", path.display(), number + 1);
            }
        }
    }
}

#[test]
fn nothing_is_left_to_be_done() {
    let never = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    for (path, text) in repository::texts() {
        for words in never {
            assert!(!text.contains(words), "{}: {words}", path.display());
        }
    }
}

#[test]
fn no_file_holds_a_token_that_looks_real() {
    for (path, text) in repository::texts() {
        for (at, _) in text.match_indices(':') {
            let (before, after) = (&text[..at], &text[at + 1..]);
            // Telegram Bot API, "Authorizing your bot": digits, a colon, 35 more characters.
            let digits = before.bytes().rev().take_while(u8::is_ascii_digit).count();
            let secret =
                after.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"_-".contains(b));
            assert!(digits < 8 || secret.count() < 30, "{}: byte {at}", path.display());
        }
    }
}
