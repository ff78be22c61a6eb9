//! The fields of a JSON body, read one by one so that every fault is named at once. Numbers keep
//! their digits, because prices must.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use domain::ids::UserId;
use domain::price::Positive;
use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::{Fault, Problem};

/// One value of a body, as it was written.
pub type Raw<'a> = &'a RawValue;

/// The fields of one JSON object.
#[derive(Debug)]
pub struct Fields<'a> {
    at: String,
    map: BTreeMap<String, Raw<'a>>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    /// No fields at all.
    pub fn none() -> Self {
        Self { at: String::new(), map: BTreeMap::new(), faults: Vec::new() }
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// A [`Problem`] when it is no JSON, or JSON but no object.
    pub fn parse(body: &'a [u8]) -> Result<Self, Problem> {
        let text = std::str::from_utf8(body)
            .map_err(|_| Problem::bad_json("The body is not valid UTF-8."))?;
        let value: Raw<'a> = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Problem::bad_json(format!("The JSON breaks off at line {line}, column {column}."))
        })?;
        Self::of(String::new(), value).ok_or_else(|| Problem::invalid_at("", "must be an object"))
    }

    /// The fields of an object at this place; `None` when it is none.
    fn of(at: String, value: Raw<'a>) -> Option<Self> {
        let Members(members) = serde_json::from_str(value.get()).ok()?;
        let mut fields = Self { at, map: BTreeMap::new(), faults: Vec::new() };
        for (name, raw) in members {
            // Which of the two was meant? Readers of JSON differ (RFC 8259, section 4), and a stop
            // loss is not to be guessed.
            match fields.map.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(raw);
                }
                Entry::Occupied(place) => {
                    let name = place.key().clone();
                    fields.fault(&name, "is named twice");
                }
            }
        }
        Some(fields)
    }

    /// Whether no fault was found so far. What needs several fields at once is only worth
    /// checking then.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Takes down a fault in a field.
    pub fn fault(&mut self, name: &str, detail: impl Into<String>) {
        let pointer = format!("{}/{}", self.at, name.replace('~', "~0").replace('/', "~1"));
        self.faults.push(Fault { pointer, detail: detail.into() });
    }

    /// Takes down a fault in an element of a list.
    pub fn fault_in(&mut self, name: &str, index: usize, detail: impl Into<String>) {
        let pointer = format!("{}/{name}/{index}", self.at);
        self.faults.push(Fault { pointer, detail: detail.into() });
    }

    /// Takes a field out; a `null` counts as left out.
    fn take(&mut self, name: &str) -> Option<Raw<'a>> {
        self.map.remove(name).filter(|raw| raw.get() != "null")
    }

    /// Reads a field that has to be there.
    pub fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Raw<'a>) -> Result<T, String>,
    ) -> Option<T> {
        if self.map.get(name).is_none_or(|raw| raw.get() == "null") {
            self.map.remove(name);
            self.fault(name, "is missing");
            return None;
        }
        self.optional(name, read)
    }

    /// Reads a field that may be left out.
    pub fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Raw<'a>) -> Result<T, String>,
    ) -> Option<T> {
        let raw = self.take(name)?;
        read(raw).map_err(|detail| self.fault(name, detail)).ok()
    }

    /// Reads a list, element by element.
    pub fn list<T>(
        &mut self,
        name: &str,
        read: impl Fn(Raw<'a>) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let raw = self.take(name)?;
        let Ok(elements) = serde_json::from_str::<Vec<Raw<'a>>>(raw.get()) else {
            self.fault(name, "must be a list");
            return None;
        };
        let mut list = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            match read(element) {
                Ok(value) => list.push(value),
                Err(detail) => self.fault_in(name, index, detail),
            }
        }
        Some(list)
    }

    /// Reads an object inside of this one.
    pub fn object<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Fields<'a>) -> Option<T>,
    ) -> Option<T> {
        let raw = self.take(name)?;
        let Some(mut inner) = Fields::of(format!("{}/{name}", self.at), raw) else {
            self.fault(name, "must be an object");
            return None;
        };
        let value = read(&mut inner);
        inner.refuse_the_rest();
        self.faults.append(&mut inner.faults);
        value
    }

    /// Reads a list of 1 to `most` objects, and names the faults in each. `read` is given the number of
    /// the object, from 0.
    pub fn objects<T>(
        &mut self,
        name: &str,
        most: usize,
        mut read: impl FnMut(usize, &mut Fields<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(raw) = self.take(name) else {
            self.fault(name, "is missing");
            return None;
        };
        let elements = match serde_json::from_str::<Vec<Raw<'a>>>(raw.get()) {
            Ok(elements) if (1..=most).contains(&elements.len()) => elements,
            _ => {
                self.fault(name, format!("must be a list of 1 to {most} objects"));
                return None;
            }
        };
        let mut list = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            let Some(mut inner) = Fields::of(format!("{}/{name}/{index}", self.at), element) else {
                self.fault_in(name, index, "must be an object");
                continue;
            };
            list.extend(read(index, &mut inner));
            inner.refuse_the_rest();
            self.faults.append(&mut inner.faults);
        }
        Some(list)
    }

    /// Renames a field that is known under another name. Both at once are a fault.
    pub fn alias(&mut self, name: &str, alias: &str) {
        if self.map.contains_key(name) && self.map.contains_key(alias) {
            self.map.remove(alias);
            self.fault(alias, format!("means the same as {name}: give one of them"));
        } else if let Some(raw) = self.map.remove(alias) {
            self.map.insert(name.to_owned(), raw);
        }
    }

    /// A field as it was written, without taking it out.
    pub fn raw(&self, name: &str) -> Option<Raw<'a>> {
        self.map.get(name).copied()
    }

    fn refuse_the_rest(&mut self) {
        for name in std::mem::take(&mut self.map).into_keys() {
            self.fault(&name, "is not a field that is known here");
        }
    }

    /// Every field was read: gives what was made of them, or every fault.
    ///
    /// # Errors
    /// A [`Problem`] that names every fault, unknown fields included.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, Problem> {
        self.refuse_the_rest();
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            // Nothing was made and nothing is wrong: a reader gave up without saying why.
            None if self.faults.is_empty() => Err(Problem::internal()),
            _ => Err(Problem::invalid(self.faults)),
        }
    }
}

/// The members of an object as they were written, one by one.
struct Members<'a>(Vec<(String, Raw<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<(String, Raw<'de>)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Reader).map(Members)
    }
}

/// Reads a text.
///
/// # Errors
/// A sentence for the caller.
pub fn text(raw: Raw<'_>) -> Result<String, String> {
    serde_json::from_str(raw.get()).map_err(|_| "must be a text".to_owned())
}

/// Reads a text and parses it.
///
/// # Errors
/// A sentence for the caller.
pub fn parsed<T, E: std::fmt::Display>(
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> impl FnOnce(Raw<'_>) -> Result<T, String> {
    |raw| parse(&text(raw)?).map_err(|error| error.to_string())
}

/// A whole number, also where a program has written it as `30.0`: to JSON Schema ("Validation",
/// section 6.1.1) that is the integer 30. `None` for anything else.
pub fn whole(raw: Raw<'_>) -> Option<i64> {
    let digits = match raw.get().split_once('.') {
        Some((whole, part)) if part.bytes().all(|digit| digit == b'0') => whole,
        _ => raw.get(),
    };
    digits.parse().ok()
}

/// Reads a whole number and parses it.
///
/// # Errors
/// A sentence for the caller.
pub fn integer<T, E: std::fmt::Display>(
    parse: impl Fn(i64) -> Result<T, E>,
) -> impl Fn(Raw<'_>) -> Result<T, String> {
    move |raw| {
        let number = whole(raw).ok_or_else(|| "must be a whole number".to_owned())?;
        parse(number).map_err(|error| error.to_string())
    }
}

/// Reads a time: RFC 3339, section 5.6, and none of the other forms that a time can have.
///
/// # Errors
/// A sentence for the caller.
pub fn time(raw: Raw<'_>) -> Result<Timestamp, String> {
    let refused = || "must be a time such as 2026-01-31T12:00:00Z".to_owned();
    let text = text(raw)?;
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c.to_ascii_uppercase() })
        .collect();
    let rest = shape.strip_prefix("0000-00-00T00:00:00").ok_or_else(refused)?;
    let rest = match rest.strip_prefix(".0") {
        Some(part) => part.trim_start_matches('0'),
        None => rest,
    };
    let hours = |offset: &str| offset.get(1..3).and_then(|hours| hours.parse::<u8>().ok());
    let offset = text.get(text.len().saturating_sub(rest.len())..).unwrap_or_default();
    match rest {
        "Z" => {}
        "+00:00" | "-00:00" if hours(offset).is_some_and(|hours| hours < 24) => {}
        _ => return Err(refused()),
    }
    text.parse().map_err(|_| refused())
}

/// Reads a price: a decimal text or a JSON number, kept digit for digit.
///
/// # Errors
/// A sentence for the caller.
pub fn price(raw: Raw<'_>) -> Result<Positive, String> {
    let digits = match raw.get().bytes().next() {
        Some(b'"') => text(raw)?,
        Some(b'0'..=b'9' | b'-') => raw.get().to_owned(),
        _ => return Err("must be a decimal text or a number".to_owned()),
    };
    Positive::parse(&digits).map_err(|error| error.to_string())
}

/// Reads a Telegram account: a positive whole number of at most 52 bits, as a number or as a text
/// (Telegram Bot API, `User.id`).
///
/// # Errors
/// A sentence for the caller.
pub fn telegram_user(raw: Raw<'_>) -> Result<UserId, String> {
    let number = if raw.get().starts_with('"') {
        // As it is written out: Rust would take `+1001` and `01001` for numbers, too.
        let digits = text(raw)?;
        digits.parse::<i64>().ok().filter(|number| number.to_string() == digits)
    } else {
        whole(raw)
    };
    number
        .filter(|number| (1..1_i64 << 52).contains(number))
        .map(UserId::new)
        .ok_or_else(|| "must be the number of a Telegram account".to_owned())
}

/// Reads one of some words.
///
/// # Errors
/// A sentence for the caller that names the words.
pub fn one_of<T: Copy, const N: usize>(
    words: [(&'static str, T); N],
) -> impl FnOnce(Raw<'_>) -> Result<T, String> {
    move |raw| {
        let word = text(raw)?;
        words.iter().find(|(name, _)| *name == word).map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
            format!("must be one of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::text::ServiceName;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_fault_is_named_at_once() {
        let body = br#"{"name":"", "limit":"x", "more":1, "list":["1","b"], "in":{"odd":true}}"#;
        let mut fields = Fields::parse(body).unwrap();
        let name = fields.required("name", parsed(ServiceName::parse));
        let _: Option<i64> = fields.optional("limit", integer(Ok::<_, String>));
        let _ = fields.list("list", price);
        let _ = fields.required("missing", text);
        let _ = fields.object("in", |_| Some(()));
        let problem = fields.finish(name).unwrap_err();
        let pointers: Vec<_> = problem.faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/limit", "/list/1", "/missing", "/in/odd", "/more"]);
    }

    #[test]
    fn numbers_keep_their_digits() {
        let mut fields = Fields::parse(br#"{"a": 1.10, "b": "64250.00", "c": 1e5}"#).unwrap();
        assert_eq!(fields.optional("a", price).unwrap().as_str(), "1.10");
        assert_eq!(fields.optional("b", price).unwrap().as_str(), "64250.00");
        assert!(fields.optional("c", price).is_none());
        assert_eq!(fields.finish(Some(())).unwrap_err().faults.len(), 1);
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let read = |text: &str| whole(serde_json::from_str(text).unwrap());
        for (text, number) in [("30", 30), ("30.0", 30), ("-7.000", -7), ("-0.0", 0)] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for text in ["30.5", "1e2", "1.0e1", "\"30\"", "true", "[]", "9223372036854775808"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_is_written_as_the_contract_says() {
        let read = |text: &str| time(&serde_json::value::to_raw_value(text).unwrap());
        let noon: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        for text in [
            "2026-01-31T12:00:00Z",
            "2026-01-31t12:00:00z",
            "2026-01-31T12:00:00.000Z",
            "2026-01-31T13:30:00+01:30",
            "2026-01-31T12:00:00-00:00",
        ] {
            assert_eq!(read(text), Ok(noon), "{text}");
        }
        for text in [
            "",
            "tomorrow",
            "2026-01-31",
            "2026-01-31T12:00Z",
            "2026-01-31T12:00:00",
            "2026-01-31 12:00:00Z",
            "20260131T120000Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00+24:00",
            "2026-01-31T12:00:00+01",
            "2026-01-31T12:00:00+01:00[Europe/Berlin]",
            "2026-02-30T12:00:00Z",
            "2026-01-31T25:00:00Z",
            "+002026-01-31T12:00:00Z",
            "２026-01-31T12:00:00Z",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_or_no_object_is_told_apart() {
        use crate::problem::ProblemKind;
        for body in ["", "{", "{\"a\":}", "nul"] {
            assert_eq!(Fields::parse(body.as_bytes()).unwrap_err().kind, ProblemKind::BadJson);
        }
        for body in ["[]", "1", "null", "\"x\""] {
            assert_eq!(Fields::parse(body.as_bytes()).unwrap_err().kind, ProblemKind::Invalid);
        }
        assert_eq!(Fields::parse(&[0xff]).unwrap_err().kind, ProblemKind::BadJson);
    }

    #[test]
    fn two_names_for_one_thing_are_a_fault() {
        let mut fields = Fields::parse(br#"{"symbol":"A","ticker":"B"}"#).unwrap();
        fields.alias("symbol", "ticker");
        let symbol = fields.required("symbol", text);
        assert_eq!(fields.finish(symbol).unwrap_err().faults.len(), 1);
    }

    #[test]
    fn a_field_that_is_named_twice_is_a_fault() {
        let mut fields = Fields::parse(br#"{"a":"1","\u0061":"2","in":{"b":1,"b":1}}"#).unwrap();
        let a = fields.required("a", text);
        let _ = fields.object("in", |inner| inner.optional("b", integer(Ok::<_, String>)));
        let problem = fields.finish(a).unwrap_err();
        let pointers: Vec<_> = problem.faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/a", "/in/b"]);
    }

    proptest! {
        #[test]
        fn no_body_makes_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(mut fields) = Fields::parse(&body) {
                let _ = fields.required("a", text);
                let _ = fields.finish(Some(()));
            }
        }
    }
}
