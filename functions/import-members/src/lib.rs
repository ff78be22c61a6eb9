//! POST /traders/services/{id}/members/import: a trader takes over members who have paid before.

use std::collections::BTreeMap;

use domain::change::Why;
use domain::ids::{ImportId, ServiceId};
use domain::import::{Import, Line, MOST_LINES, Who};
use domain::text::Email;
use jiff::Timestamp;
use store::{CommitError, Store, Write, key, load};
use web::{Call, Fields, Problem, Reply, owned_service, parsed, telegram_user, time, views};

/// The most bytes of a body: a thousand lines, each with a long address.
const MOST_BODY: usize = 256 * 1024;

/// Takes the list down; it is carried out in the background.
///
/// # Errors
/// A problem that names every line that does not fit; nothing is taken over then.
pub async fn handle(store: &impl Store, call: &Call) -> Result<Reply, Problem> {
    let service: ServiceId = call.id()?;
    let idempotency = call.key()?;
    let body = call.body_up_to(MOST_BODY)?;
    owned_service(store, call, service).await?;
    let id = match idempotency {
        Some(key) => ImportId::derived(service, key.as_str()),
        None => ImportId::fresh(call.fresh),
    };
    let fingerprint = call.fingerprint("import-members");
    if let Some(old) = load::<Import>(store, &key::import(id)).await? {
        return repeated(&old.value, &fingerprint);
    }
    // Only now: a line whose time has passed since is no reason to refuse a repetition.
    let lines = lines(body, call.now)?;
    let (import, lines) = Import::new(id, service, lines, fingerprint, call.now);
    let cause = call.by_trader(Why::ImportBegun)?;
    let writes = vec![Write::create(&import, &cause), Write::create(&lines, &cause)];
    match store.commit(writes).await {
        Ok(()) => Ok(Reply::new(202, views::accepted_import(&import))),
        // The same request, at the same time.
        Err(CommitError::Conflict) => match load::<Import>(store, &key::import(id)).await? {
            Some(old) => repeated(&old.value, &import.fingerprint),
            None => Err(Problem::again()),
        },
        Err(error) => Err(error.into()),
    }
}

fn repeated(old: &Import, fingerprint: &str) -> Result<Reply, Problem> {
    match old.fingerprint == fingerprint {
        true => Ok(Reply::new(202, views::accepted_import(old)).replayed()),
        false => Err(Problem::key_reused()),
    }
}

fn lines(mut body: Fields<'_>, now: Timestamp) -> Result<Vec<Line>, Problem> {
    let mut seen = BTreeMap::new();
    let lines = body.objects("members", MOST_LINES, |number, fields| {
        let line = line(fields, now)?;
        let (name, whom) = match &line.who {
            Who::Account(user) => ("telegram_user_id", user.get().to_string()),
            Who::Mail(email) => ("email", email.as_str().to_lowercase()),
        };
        match seen.insert(whom, number) {
            None => Some(line),
            Some(first) => {
                fields.fault(name, format!("stands in line {first} as well"));
                None
            }
        }
    });
    body.finish(lines)
}

fn line(fields: &mut Fields<'_>, now: Timestamp) -> Option<Line> {
    let user = fields.optional("telegram_user_id", telegram_user);
    let email = fields.optional("email", parsed(Email::parse));
    let ends_at = fields.required("ends_at", |raw| match time(raw)? {
        end if end > now => Ok(end),
        _ => Err("must lie in the future".to_owned()),
    });
    let who = match (user, email) {
        (Some(user), None) => Some(Who::Account(user)),
        (None, Some(email)) => Some(Who::Mail(email)),
        (Some(_), Some(_)) => {
            fields.fault("email", "does not go with telegram_user_id: give one of them");
            None
        }
        (None, None) => {
            if fields.is_sound() {
                fields.fault("telegram_user_id", "is missing, and so is email: give one of them");
            }
            None
        }
    };
    Some(Line { who: who?, ends_at: ends_at? })
}
