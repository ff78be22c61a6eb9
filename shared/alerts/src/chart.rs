//! What a chart sends, as a JSON object.
//!
//! TradingView declares a message that is valid JSON as `application/json` and any other as
//! `text/plain` (Help Center, "How to configure webhook alerts"). In a plain text, each line names
//! one field: `symbol: BTCUSDT`.

use std::borrow::Cow;

use domain::text::TextError;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use web::{Call, Problem};

/// The body as a JSON object.
///
/// # Errors
/// A [`Problem`] when it is too large, declared as something else, not valid UTF-8, or a plain text
/// with a line in it that names no field.
pub fn chart_fields(call: &Call) -> Result<Cow<'_, str>, Problem> {
    let body = call.body_as(&["application/json", "text/plain"])?;
    let text =
        std::str::from_utf8(body).map_err(|_| Problem::bad_json("The body is not valid UTF-8."))?;
    // JSON that something on its way has declared as a plain text is still JSON.
    if call.body_as(&["application/json"]).is_ok() || text.trim_start().starts_with('{') {
        // `{"price": {{close}}}` is no JSON because of what was not filled in.
        if text.contains("{{") && serde_json::from_str::<IgnoredAny>(text).is_err() {
            return Err(Problem::invalid_at("", TextError::Placeholder.to_string()));
        }
        return Ok(Cow::Borrowed(text));
    }
    lines(text).map(|fields| Cow::Owned(Value::Object(fields).to_string()))
}

fn lines(text: &str) -> Result<Map<String, Value>, Problem> {
    let mut fields = Map::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let (name, value) = line.split_once([':', '=']).ok_or_else(|| {
            Problem::bad_json(format!("Line {number} names no field: write it as \"name: value\"."))
        })?;
        let (name, value) = (name.trim(), value.trim());
        if fields.insert(name.to_owned(), read(name, value)).is_some() {
            return Err(Problem::invalid_at(&format!("/{name}"), "is named twice"));
        }
    }
    Ok(fields)
}

/// A value as its field takes it: a list of targets, a number, a text.
fn read(name: &str, value: &str) -> Value {
    if value.contains(',') && ["targets", "target", "tp", "take_profit"].contains(&name) {
        return value.split(',').map(|target| Value::from(target.trim())).collect();
    }
    match value.parse::<u32>() {
        Ok(number) if name == "leverage" => Value::from(number),
        _ => Value::from(value),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::body::chart_body;

    fn call(media: &str, body: &str) -> Call {
        let headers = [("content-type".to_owned(), media.to_owned())].into();
        Call { headers, body: body.as_bytes().to_vec(), ..Call::default() }
    }

    fn read_as(media: &str, body: &str) -> Result<Value, Problem> {
        let call = call(media, body);
        chart_fields(&call).map(|text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn json_is_json_however_it_is_declared() {
        let body = r#" {"ticker":"BTCUSDT","price":64250.10}"#;
        for media in ["application/json", "text/plain", "text/plain; charset=utf-8"] {
            assert_eq!(chart_fields(&call(media, body)).unwrap(), body, "{media}");
        }
    }

    #[test]
    fn each_line_of_a_plain_text_names_a_field() {
        let body = "symbol: BTCUSDT\naction=buy\n\n entry : 64250.10 \nleverage: 5\n\
                    targets: 65000, 66000\nexchange: NASDAQ:X\r\n";
        let read = read_as("text/plain", body).unwrap();
        assert_eq!(
            read,
            json!({
                "symbol": "BTCUSDT", "action": "buy", "entry": "64250.10", "leverage": 5,
                "targets": ["65000", "66000"], "exchange": "NASDAQ:X",
            })
        );
        let alert = chart_body(&read.to_string()).unwrap();
        assert_eq!(alert.signal.fields().targets.len(), 2);
    }

    #[test]
    fn what_names_no_field_and_what_names_it_twice_is_refused() {
        let refused = |body: &str| read_as("text/plain", body).unwrap_err();
        assert_eq!(
            refused("symbol: A\nBUY now").detail,
            "Line 2 names no field: write it as \"name: value\"."
        );
        assert_eq!(refused("a: 1\na: 2").faults[0].pointer, "/a");
        assert_eq!(read_as("text/html", "a: 1").unwrap_err(), Problem::unsupported_media_type());
    }

    #[test]
    fn json_that_a_placeholder_broke_is_told_so() {
        let broken = r#"{"ticker": "{{ticker}}", "price": {{close}}}"#;
        for media in ["application/json", "text/plain"] {
            let problem = read_as(media, broken).unwrap_err();
            assert!(problem.faults[0].detail.contains("placeholder"), "{problem:?}");
        }
    }

    #[test]
    fn a_placeholder_that_was_not_filled_in_is_refused_by_its_field() {
        let body = "symbol: {{ticker}}\naction: buy\nentry: {{close}}\ntime: {{timenow}}";
        let text = read_as("text/plain", body).unwrap().to_string();
        let problem = chart_body(&text).unwrap_err();
        let mut at: Vec<_> = problem.faults.iter().map(|fault| fault.pointer.as_str()).collect();
        at.sort_unstable();
        assert_eq!(at, ["/entry", "/symbol", "/time"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(body in ".{0,200}", lines in "([a-z]{1,8}[:=].{0,20}\n){0,6}") {
            for body in [body, lines] {
                let call = call("text/plain", &body);
                let Ok(text) = chart_fields(&call) else { continue };
                if !body.trim_start().starts_with('{') {
                    let fields: Value = serde_json::from_str(&text).unwrap();
                    prop_assert!(fields.is_object(), "{}", text);
                }
                let _ = chart_body(&text);
            }
        }
    }
}
