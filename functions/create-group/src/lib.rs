//! POST /traders/services/{id}/telegram-group/create: a trader asks for the group.

use domain::change::{Stored, Why};
use domain::group::{ChatClaim, Group, GroupRequest, Holder, Mode, request_group, take_spare};
use domain::guard::Intruder;
use domain::ids::{IntruderId, ServiceId};
use domain::service::Service;
use domain::token::{BotName, LinkKey};
use store::{CommitError, GroupAnswer, List, Store, Write, load};
use uuid::Uuid;
use web::{Call, Idempotency, Problem, Reply, one_of, owned_service, views};

const ROUTE: &str = "create-group";

/// How often it is tried when others take the same spare group or change the service.
const TRIES: usize = 5;

/// How many spare groups are looked at: the first may have just been taken.
const SPARES: usize = 5;

/// Takes a spare group, or gives out a set-up link; or says what there is already.
///
/// # Errors
/// A problem when only a spare group would do and there is none.
pub async fn handle(
    store: &impl Store,
    bot: &BotName,
    link_key: &LinkKey,
    call: &Call,
) -> Result<Reply, Problem> {
    let id: ServiceId = call.id()?;
    let request = Idempotency::of(call, ROUTE, &id.to_string())?;
    let mut body = call.optional_body()?;
    let mode = body.optional(
        "mode",
        one_of([("auto", Mode::Auto), ("pool", Mode::Pool), ("link", Mode::Link)]),
    );
    let mode = body.finish(Some(mode.unwrap_or_default()))?;
    for _ in 0..TRIES {
        let service = owned_service(store, call, id).await?;
        if let Some(given) = request.earlier::<GroupAnswer>(store).await? {
            return Ok(reply(&service.value, &given, bot, link_key)?.replayed());
        }
        match attempt(store, call, &service, mode, &request).await {
            Ok(answer) => return reply(&service.value, &answer, bot, link_key),
            Err(Attempt::Again) => {}
            Err(Attempt::Refused(problem)) => return Err(problem),
        }
    }
    Err(Problem::contention())
}

/// Why an attempt led to nothing.
enum Attempt {
    /// Something changed meanwhile: read again.
    Again,
    /// There is nothing to try again.
    Refused(Problem),
}

impl From<CommitError> for Attempt {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict => Self::Again,
            error @ CommitError::Store(_) => Self::Refused(error.into()),
        }
    }
}

async fn attempt(
    store: &impl Store,
    call: &Call,
    service: &Stored<Service>,
    mode: Mode,
    request: &Idempotency,
) -> Result<GroupAnswer, Attempt> {
    let wants_spare = mode != Mode::Link && !matches!(service.value.group, Group::Bound(_));
    let spare = if wants_spare { spare(store).await.map_err(Attempt::Refused)? } else { None };
    let requested = call.by_trader(Why::GroupRequested).map_err(Attempt::Refused)?;
    let mut writes = Vec::new();
    let answer = match request_group(&service.value, mode, spare.is_some(), call.now) {
        GroupRequest::NoSpare => return Err(Attempt::Refused(no_spare())),
        GroupRequest::HasOne | GroupRequest::LinkIsOut(_) => {
            GroupAnswer { taken: false, group: service.value.group.clone() }
        }
        GroupRequest::NewLink(asked) => {
            writes.push(Write::update(service, asked.as_ref(), &requested));
            GroupAnswer { taken: false, group: asked.group }
        }
        GroupRequest::TakeSpare => {
            let claim = spare.ok_or(Attempt::Again)?;
            let (group, strangers) = claim.value.ready_spare().ok_or(Attempt::Again)?;
            let bound = take_spare(&service.value, group, call.now);
            let holder = Holder::Service { service: bound.id };
            let taken = ChatClaim { chat: claim.value.chat, holder };
            let cause = call.by_trader(Why::GroupBound).map_err(Attempt::Refused)?;
            writes.push(Write::update(service, &bound, &cause));
            writes.push(Write::update(&claim, &taken, &cause));
            // Whoever came in while it waited is looked at.
            let seen = call.by_trader(Why::IntruderSeen).map_err(Attempt::Refused)?;
            for (number, user) in (0_u32..).zip(strangers) {
                let id = Uuid::new_v5(&call.fresh, &number.to_be_bytes());
                let found = Intruder::found(IntruderId::fresh(id), bound.id, *user, call.now);
                writes.push(Write::create(&found, &seen));
            }
            GroupAnswer { taken: true, group: bound.group }
        }
    };
    writes.extend(request.done(answer.clone(), &requested));
    if !writes.is_empty() {
        store.commit(writes).await?;
    }
    Ok(answer)
}

/// The spare group that has waited longest and is still free.
async fn spare(store: &impl Store) -> Result<Option<Stored<ChatClaim>>, Problem> {
    for row in store.list(&List::Spares, SPARES, None).await?.items {
        // The index is a hint: the row itself says whether the group is still free, and well.
        if let Some(claim) = load::<ChatClaim>(store, &row.id).await?
            && claim.value.ready_spare().is_some()
        {
            return Ok(Some(claim));
        }
    }
    Ok(None)
}

fn reply(
    service: &Service,
    answer: &GroupAnswer,
    bot: &BotName,
    link_key: &LinkKey,
) -> Result<Reply, Problem> {
    let status = match (&answer.group, answer.taken) {
        (Group::Bound(_), true) => 201,
        (Group::Bound(_), false) => 200,
        (Group::AwaitingBot(_), _) => 202,
        (Group::None, _) => return Err(Problem::internal()),
    };
    let view = views::group_answer(service, &answer.group, bot, link_key);
    Ok(Reply::new(status, view))
}

fn no_spare() -> Problem {
    Problem::conflict(
        "There is no spare group at the moment. Ask again later, or use mode \"link\" to add the \
         bot to a group of your own.",
    )
}
