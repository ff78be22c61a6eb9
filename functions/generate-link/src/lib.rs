//! POST /traders/services/{id}/telegram-group/generate-link: a trader asks for a link.

use std::num::NonZeroU32;

use asking::{telegram_problem, turn};
use domain::change::{Actor, Stored, Why};
use domain::group::{Group, InviteLink, Phase};
use domain::ids::{ChatId, LinkId, ServiceId};
use domain::link::{Link, LinkKind, LinkState, LinkUrl};
use domain::text::LinkName;
use domain::time::after;
use jiff::SignedDuration;
use limiter::{Limiter, Limits};
use startup::Clock;
use store::{CommitError, Move, Store, Write, chat_moved, key, load};
use telegram::{CallError, NewLink, Telegram};
use web::{Call, Fields, Problem, Reply, integer, one_of, owned_service, parsed, views};

/// What it needs.
#[derive(Debug)]
pub struct LinkMaker<S, L, T, C> {
    /// The tables.
    pub store: S,
    /// Turns at Telegram.
    pub limiter: Limiter<L>,
    /// Telegram.
    pub telegram: T,
    /// The clock.
    pub clock: C,
}

/// What the body says.
#[derive(Clone, Debug)]
struct Wanted {
    kind: LinkKind,
    name: Option<LinkName>,
    expires_in: Option<SignedDuration>,
}

/// Makes the link.
///
/// # Errors
/// A problem that names every value that does not fit; "conflict" without a group that is ready;
/// "in progress" while the first request under the same key is at it; "unavailable" when Telegram
/// cannot be asked.
pub async fn handle<S: Store, L: Limits, T: Telegram, C: Clock>(
    maker: &LinkMaker<S, L, T, C>,
    call: &Call,
) -> Result<Reply, Problem> {
    let id: ServiceId = call.id()?;
    let idempotency = call.key()?;
    let wanted = wanted(call.body()?)?;
    let service = owned_service(&maker.store, call, id).await?.value;
    let link = match idempotency {
        Some(key) => LinkId::derived(id, key.as_str()),
        None => LinkId::fresh(call.fresh),
    };
    let fingerprint = call.fingerprint("generate-link");
    let old = load::<Link>(&maker.store, &key::link(link)).await?;
    if let Some(old) = &old {
        if old.value.fingerprint != fingerprint {
            return Err(Problem::key_reused());
        }
        match old.value.state {
            LinkState::Ready | LinkState::Used { .. } | LinkState::Revoked => {
                return Ok(Reply::new(201, views::link(&old.value)).replayed());
            }
            LinkState::Making { lease_until } if call.now < lease_until => {
                return Err(Problem::in_progress());
            }
            // The first request died over it.
            LinkState::Making { .. } => {}
        }
    }
    let Group::Bound(group) = &service.group else { return Err(Problem::no_group()) };
    if group.phase != Phase::Ready {
        return Err(Problem::no_group());
    }
    let link = Link {
        id: link,
        service: id,
        chat: group.chat,
        kind: wanted.kind,
        name: wanted.name,
        expires_at: wanted.expires_in.map(|time| after(call.now, time)),
        url: None,
        state: Link::lease(call.now),
        guest: None,
        fingerprint,
        created_at: call.now,
    };
    // The turn comes first: without one nothing is begun.
    turn(&maker.limiter, group.chat, &maker.clock).await?;
    let cause = call.by_trader(Why::LinkRequested)?;
    let write = Write::put(old.as_ref(), &link, &cause);
    let making: Stored<Link> = write.stored().map_err(store::StoreError::from)?;
    match maker.store.commit(vec![write]).await {
        Err(CommitError::Conflict) => return Err(Problem::in_progress()),
        done => done?,
    }
    match maker.telegram.create_invite_link(&new_link(&link, group.chat)).await {
        Ok(made) => maker.ready(call, &making, InviteLink::new(made.invite_link)).await,
        Err(error) => Err(maker.failed(call, &making, error).await),
    }
}

fn wanted(mut body: Fields<'_>) -> Result<Wanted, Problem> {
    let kind = body.required(
        "kind",
        one_of([("single_use", LinkKind::SingleUse), ("permanent", LinkKind::Permanent)]),
    );
    let name = body.optional("name", parsed(LinkName::parse));
    let expires_in = body.optional(
        "expires_in_hours",
        integer(|hours| match hours {
            1..=8_760 => Ok(SignedDuration::from_hours(hours)),
            _ => Err("must be a whole number from 1 to 8760"),
        }),
    );
    if kind == Some(LinkKind::Permanent) && expires_in.is_some() {
        body.fault("expires_in_hours", "does not go with a permanent link");
    }
    body.finish((|| Some(Wanted { kind: kind?, name, expires_in }))())
}

fn new_link(link: &Link, chat: ChatId) -> NewLink {
    NewLink {
        chat,
        name: link.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        kind: match link.kind {
            LinkKind::SingleUse => telegram::LinkKind::MemberLimit(NonZeroU32::MIN),
            LinkKind::Permanent => telegram::LinkKind::Guarded,
        },
        expires_at: link.expires_at,
    }
}

impl<S: Store, L: Limits, T: Telegram, C: Clock> LinkMaker<S, L, T, C> {
    async fn ready(
        &self,
        call: &Call,
        making: &Stored<Link>,
        url: InviteLink,
    ) -> Result<Reply, Problem> {
        let cause = call.by_trader(Why::LinkMade)?;
        let found = LinkUrl { url: url.clone(), link: making.value.id };
        let ready = Link { url: Some(url), state: LinkState::Ready, ..making.value.clone() };
        let writes = vec![Write::update(making, &ready, &cause), Write::create(&found, &cause)];
        match self.store.commit(writes).await {
            Ok(()) => Ok(Reply::new(201, views::link(&ready))),
            Err(CommitError::Conflict) => Err(Problem::in_progress()),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives up the lease, so that a repetition can begin at once, and says why.
    async fn failed(&self, call: &Call, making: &Stored<Link>, error: CallError) -> Problem {
        let state = LinkState::Making { lease_until: call.now };
        let given_up = Link { state, ..making.value.clone() };
        match call.by_trader(Why::LinkRequested) {
            Ok(cause) => {
                let write = Write::update(making, &given_up, &cause);
                if let Err(error) = self.store.commit(vec![write]).await {
                    tracing::warn!(cause = %error, "the lease of a link ends by itself");
                }
            }
            Err(problem) => return problem,
        }
        match error {
            CallError::Migrated { to } => {
                let moved =
                    chat_moved(&self.store, making.value.chat, to, Actor::Telegram, call.now);
                match moved.await {
                    Ok(Move::Noted) => Problem::again(),
                    Ok(Move::TakenByAnother) => Problem::no_group(),
                    Err(error) => error.into(),
                }
            }
            CallError::BotRemoved | CallError::RightsLost { .. } => Problem::no_group(),
            error => telegram_problem(&self.limiter, making.value.chat, error, &self.clock).await,
        }
    }
}
