//! `reply_markup`: inline keyboards with buttons that open a link or call back.

use serde_json::{Map, Value, json};

use crate::arguments::{Args, only_fields};
use crate::errors::{ApiError, ApiResult};

/// Reads the keyboard of a call. Other kinds of reply markup are not modelled.
pub(crate) fn read(args: &Args) -> ApiResult<Option<Value>> {
    let Some(markup) = args.json("reply_markup", "reply keyboard markup")? else {
        return Ok(None);
    };
    let Value::Object(markup) = markup else {
        return Err(ApiError::bad("object expected as reply markup"));
    };
    only_fields(&markup, "reply_markup", &["inline_keyboard"])?;
    let rows = match markup.get("inline_keyboard") {
        None => return Ok(None),
        Some(Value::Array(rows)) => rows,
        Some(_) => return Err(ApiError::bad("field \"inline_keyboard\" must be of type Array")),
    };
    let mut checked = Vec::new();
    for row in rows {
        let Value::Array(row) = row else {
            return Err(ApiError::bad(
                "field \"inline_keyboard\" of the InlineKeyboardMarkup must be an Array of Arrays",
            ));
        };
        let row: Vec<Value> = row.iter().map(button).collect::<ApiResult<_>>()?;
        if !row.is_empty() {
            checked.push(row);
        }
    }
    Ok((!checked.is_empty()).then(|| json!({ "inline_keyboard": checked })))
}

fn button(value: &Value) -> ApiResult<Value> {
    let refuse = |why: &str| ApiError::bad(format!("can't parse inline keyboard button: {why}"));
    let Value::Object(button) = value else {
        return Err(refuse("InlineKeyboardButton must be an Object"));
    };
    only_fields(button, "inline_keyboard", &["text", "url", "callback_data", "style"])?;
    if field(button, "text").is_none_or(str::is_empty) {
        return Err(refuse("Can't find field \"text\""));
    }
    match (field(button, "url"), field(button, "callback_data")) {
        (Some(url), None) if !url.is_empty() => check_url(url)?,
        (None, Some(data)) if (1..=64).contains(&data.len()) => {}
        (None, Some(data)) if !data.is_empty() => {
            return Err(ApiError::bad("BUTTON_DATA_INVALID"));
        }
        (Some(_), Some(_)) => return Err(refuse("a button has exactly one action")),
        _ => return Err(refuse("Text buttons are unallowed in the inline keyboard")),
    }
    Ok(value.clone())
}

fn field<'a>(button: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    button.get(name).and_then(Value::as_str)
}

fn check_url(url: &str) -> ApiResult<()> {
    let rest = url
        .strip_prefix("tg://")
        .map(|_| "tg.link")
        .or_else(|| url.strip_prefix("https://"))
        .or_else(|| url.strip_prefix("http://"))
        .unwrap_or(if url.contains("://") { "" } else { url });
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    if host.contains('.') && !host.contains(char::is_whitespace) {
        Ok(())
    } else {
        Err(ApiError::bad(format!("inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")))
    }
}
