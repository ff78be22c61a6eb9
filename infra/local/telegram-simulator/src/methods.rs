//! The methods of the Bot API: their names, their arguments, their weight, and the way through one call.

use serde_json::{Value, json};

use crate::arguments::{Args, only_fields};
use crate::errors::{ApiError, ApiResult};
use crate::faults::FaultKind;
use crate::flood::Cost;
use crate::model::Call;
use crate::world::World;

macro_rules! methods {
    ($($name:ident: $text:literal, $cost:ident, [$($argument:literal),*];)*) => {
        /// A method that the simulator knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Method { $($name),* }

        impl Method {
            /// Finds a method by its name, in any case, as the server does.
            fn parse(name: &str) -> Option<Self> {
                $(if name.eq_ignore_ascii_case($text) { return Some(Self::$name); })*
                None
            }

            fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            fn cost(self) -> Cost {
                match self { $(Self::$name => Cost::$cost),* }
            }

            fn arguments(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($argument),*]),* }
            }
        }
    };
}

methods! {
    GetMe: "getMe", Free, [];
    GetChat: "getChat", Free, ["chat_id"];
    GetChatMember: "getChatMember", Free, ["chat_id", "user_id"];
    GetChatMemberCount: "getChatMemberCount", Free, ["chat_id"];
    GetChatAdministrators: "getChatAdministrators", Free, ["chat_id"];
    CreateChatInviteLink: "createChatInviteLink", Call,
        ["chat_id", "name", "expire_date", "member_limit", "creates_join_request"];
    EditChatInviteLink: "editChatInviteLink", Call,
        ["chat_id", "invite_link", "name", "expire_date", "member_limit", "creates_join_request"];
    RevokeChatInviteLink: "revokeChatInviteLink", Call, ["chat_id", "invite_link"];
    ExportChatInviteLink: "exportChatInviteLink", Call, ["chat_id"];
    ApproveChatJoinRequest: "approveChatJoinRequest", Call, ["chat_id", "user_id"];
    DeclineChatJoinRequest: "declineChatJoinRequest", Call, ["chat_id", "user_id"];
    AnswerChatJoinRequestQuery: "answerChatJoinRequestQuery", Call,
        ["chat_join_request_query_id", "result"];
    BanChatMember: "banChatMember", Call, ["chat_id", "user_id", "until_date", "revoke_messages"];
    UnbanChatMember: "unbanChatMember", Call, ["chat_id", "user_id", "only_if_banned"];
    RestrictChatMember: "restrictChatMember", Call,
        ["chat_id", "user_id", "permissions", "use_independent_chat_permissions", "until_date"];
    SetChatTitle: "setChatTitle", Call, ["chat_id", "title"];
    SetChatDescription: "setChatDescription", Call, ["chat_id", "description"];
    SetChatPermissions: "setChatPermissions", Call,
        ["chat_id", "permissions", "use_independent_chat_permissions"];
    SendMessage: "sendMessage", Message,
        ["chat_id", "text", "parse_mode", "link_preview_options", "disable_web_page_preview",
         "disable_notification", "protect_content", "allow_paid_broadcast", "reply_parameters",
         "reply_to_message_id", "allow_sending_without_reply", "reply_markup"];
    SendPhoto: "sendPhoto", Message,
        ["chat_id", "photo", "caption", "parse_mode", "disable_notification", "protect_content",
         "allow_paid_broadcast", "reply_parameters", "reply_to_message_id",
         "allow_sending_without_reply", "reply_markup"];
    EditMessageText: "editMessageText", Message,
        ["chat_id", "message_id", "text", "parse_mode", "link_preview_options",
         "disable_web_page_preview", "reply_markup"];
    DeleteMessage: "deleteMessage", Call, ["chat_id", "message_id"];
    AnswerCallbackQuery: "answerCallbackQuery", Free,
        ["callback_query_id", "text", "show_alert", "url", "cache_time"];
    LeaveChat: "leaveChat", Call, ["chat_id"];
    SetWebhook: "setWebhook", Free,
        ["url", "secret_token", "max_connections", "allowed_updates", "drop_pending_updates"];
    DeleteWebhook: "deleteWebhook", Free, ["drop_pending_updates"];
    GetWebhookInfo: "getWebhookInfo", Free, [];
    GetUpdates: "getUpdates", Free, ["offset", "limit", "timeout", "allowed_updates"];
    SetMyCommands: "setMyCommands", Free, ["commands", "scope", "language_code"];
    GetMyCommands: "getMyCommands", Free, ["scope", "language_code"];
}

/// Arguments that the Bot API has and the simulator does not model, whatever the method.
const NOT_MODELLED: [&str; 14] = [
    "business_connection_id",
    "message_thread_id",
    "direct_messages_topic_id",
    "entities",
    "caption_entities",
    "show_caption_above_media",
    "has_spoiler",
    "message_effect_id",
    "suggested_post_parameters",
    "inline_message_id",
    "certificate",
    "ip_address",
    "return_bots",
    "receiver_user_id",
];

/// How a call ends for the one who made it.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) result: ApiResult,
    /// The answer is given no earlier (milliseconds).
    pub(crate) ready_at: i64,
    /// What went wrong on the way, if a fault was ordered.
    pub(crate) fault: Option<FaultKind>,
}

impl World {
    /// Calls a Bot API method as the bot with this token, at this time (milliseconds since 1970).
    ///
    /// # Errors
    /// Whatever Telegram would refuse, in its words. Faults that concern the transport (timeouts,
    /// broken answers) do not show here; the server around the model plays them.
    pub fn call(
        &mut self,
        now: i64,
        token: &str,
        method: &str,
        args: &Args,
    ) -> Result<Value, ApiError> {
        self.reply(now, token, method, args).result
    }

    pub(crate) fn reply(&mut self, now: i64, token: &str, method: &str, args: &Args) -> Reply {
        self.tick(now);
        let Some(bot) = self.bots.values().find(|bot| bot.token.0 == token).map(|bot| bot.id)
        else {
            return Reply { result: Err(ApiError::unauthorized()), ready_at: now, fault: None };
        };
        let Some(known) = Method::parse(method) else {
            let reply = Reply { result: Err(ApiError::not_found()), ready_at: now, fault: None };
            self.note(now, bot, method, args, &reply);
            return reply;
        };
        let chat = args.text("chat_id").trim().parse().ok();
        let fault = self.faults.strike(known.name(), chat, &mut self.rng);
        let reply = self.strike(now, bot, known, args, chat, fault);
        self.flush(now);
        self.note(now, bot, known.name(), args, &reply);
        reply
    }

    fn strike(
        &mut self,
        now: i64,
        bot: i64,
        method: Method,
        args: &Args,
        chat: Option<i64>,
        fault: Option<FaultKind>,
    ) -> Reply {
        let not_done = match &fault {
            // What is never seen by the caller has no text worth keeping.
            Some(FaultKind::TimeoutBefore { .. }) => Some(ApiError::new(504, "not done")),
            Some(FaultKind::ServerErrorHtml { code }) => Some(ApiError::new(*code, "not done")),
            Some(other) => other.refusal(),
            None => None,
        };
        if let Some(refusal) = not_done {
            return Reply { result: Err(refusal), ready_at: now, fault };
        }
        let (mut result, ready_at) = match self.execute(now, bot, method, args, chat) {
            Ok((value, ready_at)) => (Ok(value), ready_at),
            Err(refusal) if refusal.code == 429 => {
                (Err(refusal), now + i64::from(self.flood.rules.hold_ms))
            }
            Err(refusal) => (Err(refusal), now),
        };
        if fault == Some(FaultKind::UnknownMemberStatus)
            && let Ok(Value::Object(fields)) = &mut result
            && let Some(status) = fields.get_mut("status")
        {
            *status = json!("observer");
        }
        Reply { result, ready_at, fault }
    }

    fn execute(
        &mut self,
        now: i64,
        bot: i64,
        method: Method,
        args: &Args,
        chat: Option<i64>,
    ) -> ApiResult<(Value, i64)> {
        if let Some(name) = NOT_MODELLED.into_iter().find(|name| args.has(name)) {
            return Err(ApiError::bad(format!("argument \"{name}\" is not modelled")));
        }
        args.only(method.arguments())?;
        let admitted = self.flood.admit(now, bot, chat, method.name(), method.cost());
        admitted.map_err(ApiError::flood)?;
        let value = match method {
            Method::UnbanChatMember => return self.unban_member(now, bot, args),
            Method::GetMe => self.get_me(bot),
            Method::GetChat => self.get_chat(bot, args),
            Method::GetChatMember => self.get_member(bot, args),
            Method::GetChatMemberCount => self.member_count(bot, args),
            Method::GetChatAdministrators => self.administrators(bot, args),
            Method::CreateChatInviteLink => self.create_link(now, bot, args),
            Method::EditChatInviteLink => self.edit_link(now, bot, args),
            Method::RevokeChatInviteLink => self.revoke_link(bot, args),
            Method::ExportChatInviteLink => self.export_link(bot, args),
            Method::ApproveChatJoinRequest => self.approve_request(now, bot, args),
            Method::DeclineChatJoinRequest => self.decline_request(bot, args),
            Method::AnswerChatJoinRequestQuery => self.answer_join_query(now, bot, args),
            Method::BanChatMember => self.ban_member(now, bot, args),
            Method::RestrictChatMember => self.restrict_member(now, bot, args),
            Method::SetChatTitle => self.set_title(now, bot, args),
            Method::SetChatDescription => self.set_description(bot, args),
            Method::SetChatPermissions => self.set_permissions(bot, args),
            Method::SendMessage => self.send_message(now, bot, args),
            Method::SendPhoto => self.send_photo(now, bot, args),
            Method::EditMessageText => self.edit_text(now, bot, args),
            Method::DeleteMessage => self.delete_message(now, bot, args),
            Method::AnswerCallbackQuery => self.answer_callback(bot, args),
            Method::LeaveChat => self.leave_chat(now, bot, args),
            Method::SetWebhook => self.set_webhook(now, bot, args),
            Method::DeleteWebhook => self.delete_webhook(bot, args),
            Method::GetWebhookInfo => self.webhook_info(bot),
            Method::GetUpdates => self.get_updates(now, bot, args),
            Method::SetMyCommands => self.set_commands(bot, args),
            Method::GetMyCommands => self.get_commands(bot, args),
        };
        value.map(|value| (value, now))
    }

    fn set_commands(&mut self, bot: i64, args: &Args) -> ApiResult {
        let scope = scope(args)?;
        let commands = args.json("commands", "commands")?.unwrap_or_else(|| json!([]));
        let Value::Array(list) = &commands else {
            return Err(ApiError::bad("expected an Array of BotCommand"));
        };
        if list.len() > 100 {
            return Err(ApiError::bad("BOT_COMMANDS_TOO_MUCH"));
        }
        for command in list {
            let Value::Object(fields) = command else {
                return Err(ApiError::bad("can't parse BotCommand: expected an Object"));
            };
            only_fields(fields, "commands", &["command", "description"])?;
            let text = |name| fields.get(name).and_then(Value::as_str).unwrap_or("");
            let name = text("command").trim_start_matches('/');
            let good = name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
            if !good || !(1..=32).contains(&name.len()) {
                return Err(ApiError::bad("BOT_COMMAND_INVALID"));
            }
            if !(1..=256).contains(&text("description").chars().count()) {
                return Err(ApiError::bad("BOT_COMMAND_DESCRIPTION_INVALID"));
            }
        }
        self.bot_mut(bot)?.commands.insert(scope, commands);
        Ok(Value::Bool(true))
    }

    fn get_commands(&self, bot: i64, args: &Args) -> ApiResult {
        let commands = self.bot(bot)?.commands.get(&scope(args)?).cloned();
        Ok(commands.unwrap_or_else(|| json!([])))
    }

    fn note(&mut self, now: i64, bot: i64, method: &str, args: &Args, reply: &Reply) {
        // Long polling would fill the log with nothing.
        if method == "getUpdates" && reply.result.is_ok() {
            return;
        }
        let (code, description) = match &reply.result {
            Ok(_) => (200, None),
            Err(error) => (error.code, Some(error.description.clone())),
        };
        self.calls.push(Call {
            at: now,
            bot,
            method: method.to_owned(),
            args: args.redacted(),
            code,
            description,
            fault: reply.fault.as_ref().map(FaultKind::name),
        });
    }
}

/// The scope and language of a command list, as one key.
fn scope(args: &Args) -> ApiResult<String> {
    let scope = args.object("scope", "BotCommandScope")?;
    let scope = scope.map_or_else(|| json!({ "type": "default" }), Value::Object);
    Ok(format!("{scope} {}", args.text("language_code")))
}
