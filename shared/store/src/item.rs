//! Rows as DynamoDB keeps them: an attribute for each column, and the body as a map that can be
//! read in the console.

use domain::change::{Actor, Meta, Why};
use domain::relay::sortable;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_dynamo::{AttributeValue, Item};
use serde_json::Value;

use crate::layout::{SecondaryIndex, due_part};
use crate::port::{Broken, shard_of};
use crate::row::{Index, Row};

/// What stands between the moment and the id in a sort key. Ids may hold it, moments cannot.
const BETWEEN: char = '#';

#[derive(Serialize, Deserialize)]
struct Columns {
    id: String,
    kind: String,
    ver: u64,
    changed_at: Timestamp,
    changed_by: Actor,
    why: Why,
    body: Value,
    // The attributes of the indexes. Each must be absent, and not null, where it does not apply:
    // that is what keeps an index sparse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    active: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    active_until: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waiting: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spare: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sort: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
}

/// A row as it is kept.
///
/// # Errors
/// [`Broken`] when its body cannot be written as attributes.
pub fn item_from_row(row: &Row) -> Result<Item, Broken> {
    let Row { id, kind, meta, index, body } = row;
    let Meta { ver, changed_at, changed_by, why } = meta;
    // By name, so that a new place is not forgotten here.
    let Index { owner, service_id, active, waiting, spare, listed, sort, due_at, expires } = index;
    let columns = Columns {
        id: id.clone(),
        kind: kind.clone(),
        ver: *ver,
        changed_at: *changed_at,
        changed_by: changed_by.clone(),
        why: *why,
        body: body.json(),
        owner: owner.clone(),
        service_id: service_id.clone(),
        active: active.as_ref().map(|(service, _)| service.clone()),
        active_until: active.as_ref().map(|(_, until)| sortable(*until)),
        waiting: waiting.clone(),
        spare: spare.clone(),
        listed: listed.clone(),
        sort: sort.clone(),
        due: due_at.map(|_| due_part(shard_of(id))),
        due_at: due_at.map(|at| due_range(at, id)),
        expires: expires.map(Timestamp::as_second),
    };
    serde_dynamo::to_item(columns).map_err(|error| broken(id, kind, error.to_string()))
}

fn due_range(at: Timestamp, id: &str) -> String {
    format!("{}{BETWEEN}{id}", sortable(at))
}

/// Where a row stands in an index of its table, the part and the place in it: the two attributes
/// that [`item_from_row`] writes. `None` when it does not stand there.
pub fn place_in(row: &Row, index: &SecondaryIndex) -> Option<(String, String)> {
    let attribute = |name: &str| {
        let Index { owner, service_id, active, waiting, spare, listed, sort, due_at, expires: _ } =
            &row.index;
        match name {
            "owner" => owner.clone(),
            "service_id" => service_id.clone(),
            "active" => active.as_ref().map(|(service, _)| service.clone()),
            "active_until" => active.as_ref().map(|(_, until)| sortable(*until)),
            "waiting" => waiting.clone(),
            "spare" => spare.clone(),
            "listed" => listed.clone(),
            "sort" => sort.clone(),
            "due" => due_at.map(|_| due_part(shard_of(&row.id))),
            "due_at" => due_at.map(|at| due_range(at, &row.id)),
            _ => None,
        }
    };
    attribute(index.hash).zip(attribute(index.range))
}

/// Reads a row as it is kept, from a table or from an image in its stream.
///
/// # Errors
/// [`Broken`] when a column is missing or is not what it should be.
pub fn row_from_image(image: Item) -> Result<Row, Broken> {
    let id = text(&image, "id").unwrap_or_default().to_owned();
    let kind = text(&image, "kind").unwrap_or_default().to_owned();
    let broken = |cause: String| broken(&id, &kind, cause);
    let columns: Columns = serde_dynamo::from_item(image)
        .map_err(|_| broken("the attributes do not fit".to_owned()))?;
    let active = match (columns.active, columns.active_until) {
        (Some(service), Some(until)) => {
            Some((service, moment(&until).ok_or_else(|| broken("active_until".to_owned()))?))
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(broken("half of active".to_owned())),
    };
    let due_at = columns
        .due_at
        .map(|at| moment(&at).ok_or_else(|| broken("due_at".to_owned())))
        .transpose()?;
    let expires = columns
        .expires
        .map(|at| Timestamp::from_second(at).map_err(|_| broken("expires".to_owned())))
        .transpose()?;
    let Columns { ver, changed_at, changed_by, why, body, .. } = columns;
    Ok(Row {
        meta: Meta { ver, changed_at, changed_by, why },
        index: Index {
            owner: columns.owner,
            service_id: columns.service_id,
            active,
            waiting: columns.waiting,
            spare: columns.spare,
            listed: columns.listed,
            sort: columns.sort,
            due_at,
            expires,
        },
        id,
        kind,
        body: body.into(),
    })
}

/// The text of an attribute.
pub fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    match item.get(name)? {
        AttributeValue::S(text) => Some(text),
        _ => None,
    }
}

/// The moment with which a sort key begins.
pub fn moment(key: &str) -> Option<Timestamp> {
    key.split(BETWEEN).next()?.parse().ok()
}

fn broken(id: &str, kind: &str, cause: String) -> Broken {
    // Keys such as `chat#…` and `tg#…` hold Telegram ids.
    let id = id.split(BETWEEN).next().unwrap_or_default().to_owned();
    Broken { id, kind: kind.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> Item {
        serde_json::from_str(text).unwrap()
    }

    /// As Lambda hands it over (AWS Lambda, "Using AWS Lambda with Amazon DynamoDB").
    const IMAGE: &str = r#"{
        "id": {"S": "tg#s-1#1001"}, "kind": {"S": "user"}, "ver": {"N": "3"},
        "changed_at": {"S": "2026-01-02T03:04:05.000000006Z"},
        "changed_by": {"M": {"trader": {"S": "t-1"}}}, "why": {"S": "subscription.account_linked"},
        "body": {"M": {"user": {"N": "1001"}, "name": {"S": "ß"}, "none": {"NULL": true}}},
        "active": {"S": "s-1"}, "active_until": {"S": "2026-02-02T03:04:05.000000000Z"},
        "due": {"S": "due#4"}, "due_at": {"S": "2026-02-02T03:04:05.000000000Z#tg#s-1#1001"},
        "expires": {"N": "1770000000"}, "save": {"S": "0-1"}, "from_a_later_version": {"BOOL": true}
    }"#;

    #[test]
    fn an_image_of_a_stream_is_read() {
        let row = row_from_image(image(IMAGE)).unwrap();
        let until: Timestamp = "2026-02-02T03:04:05Z".parse().unwrap();
        assert_eq!((row.id.as_str(), row.kind.as_str()), ("tg#s-1#1001", "user"));
        assert_eq!(row.meta.ver, 3);
        assert_eq!(row.meta.changed_by.to_string(), "trader:t-1");
        assert_eq!(row.body.json(), serde_json::json!({"user": 1001, "name": "ß", "none": null}));
        assert_eq!(row.index.active, Some(("s-1".to_owned(), until)));
        assert_eq!(row.index.due_at, Some(until));
        assert_eq!(row.index.expires.map(Timestamp::as_second), Some(1_770_000_000));
        // Written again, it has the same attributes, and null nowhere.
        let mut again = item_from_row(&row).unwrap();
        let mut first = image(IMAGE);
        for unknown in ["save", "from_a_later_version"] {
            first.remove(unknown);
        }
        for shard in [&mut first, &mut again] {
            shard.remove("due");
        }
        assert_eq!(again, first);
    }

    #[test]
    fn a_row_stands_in_an_index_where_its_attributes_say() {
        let row = row_from_image(image(IMAGE)).unwrap();
        let full = Index {
            owner: Some("t-1".to_owned()),
            service_id: Some("s-1".to_owned()),
            waiting: Some("s-1".to_owned()),
            spare: Some("spare".to_owned()),
            listed: Some("groups".to_owned()),
            sort: Some("2026#x".to_owned()),
            ..row.index.clone()
        };
        for row in [Row { index: full, ..row.clone() }, Row { index: Index::default(), ..row }] {
            let item = item_from_row(&row).unwrap();
            for index in crate::layout::INDEXES {
                let said = text(&item, index.hash).zip(text(&item, index.range));
                let said = said.map(|(part, range)| (part.to_owned(), range.to_owned()));
                assert_eq!(place_in(&row, index), said, "{}", index.name);
            }
        }
    }

    #[test]
    fn a_broken_image_is_told_without_what_is_personal() {
        let whole = image(IMAGE);
        for column in ["id", "kind", "ver", "changed_at", "changed_by", "why", "body", "active"] {
            let mut item = whole.clone();
            item.remove(column);
            let broken = row_from_image(item).unwrap_err();
            assert!(!format!("{broken} {broken:?}").contains("1001"), "{broken:?}");
        }
        for (column, text) in [
            ("due_at", "soon#tg#s-1#1001"),
            ("active_until", "1001"),
            ("ver", "1001"),
            ("expires", "1001"),
            ("changed_by", "nobody"),
            ("why", "for fun"),
        ] {
            let mut item = whole.clone();
            item.insert(column.to_owned(), AttributeValue::S(text.to_owned()));
            let broken = row_from_image(item).unwrap_err();
            assert_eq!((broken.id.as_str(), broken.kind.as_str()), ("tg", "user"));
            assert!(!format!("{broken} {broken:?}").contains("1001"), "{broken:?}");
        }
    }
}
