//! What the functions do with the tables is what they may do with them, and no more.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use domain::ids::ChatId;
use domain::pace::{BotPace, ChatBlock, ChatPace, ChatTake, Note, Take};
use domain::relay::AuditRecord;
use jiff::Timestamp;
use limiter::{Limits, Moved};
use store::layout::{SecondaryIndex, Selection};
use store::{
    CommitError, Count, Cursor, DueItem, List, Page, Row, Store, StoreError, Table, Write,
};
use testkit::{MemoryLimits, MemoryStore, Shared};

use crate::template::{self, Right};
use crate::{answers, repository};

/// A store that writes down what is asked of it, as the rights that are needed for it.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    store: Shared<MemoryStore>,
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    caller: String,
    used: BTreeMap<String, BTreeSet<Right>>,
}

impl Recorder {
    pub(crate) fn over(store: Shared<MemoryStore>) -> Self {
        Self { store, log: Arc::default() }
    }

    /// The limiter's table, watched like the others.
    pub(crate) fn with_limits(&self, limits: MemoryLimits) -> LimitsRecorder {
        LimitsRecorder { limits, recorder: self.clone() }
    }

    /// Who uses the store from now on.
    pub(crate) fn caller_is(&self, function: &str) {
        self.log.lock().unwrap().caller = function.to_owned();
    }

    /// What each function has used.
    pub(crate) fn used(&self) -> BTreeMap<String, BTreeSet<Right>> {
        self.log.lock().unwrap().used.clone()
    }

    fn note(&self, action: &str, resource: String) {
        let log = &mut *self.log.lock().unwrap();
        let used = log.used.entry(log.caller.clone()).or_default();
        used.insert((format!("dynamodb:{action}"), resource));
    }

    fn note_query(&self, index: &SecondaryIndex) {
        self.note("Query", format!("{:?}/index/{}", index.table, index.name));
    }
}

impl Store for Recorder {
    async fn read(&self, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        self.note("GetItem", format!("{table:?}"));
        self.store.read(table, id).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        for write in &writes {
            self.note("PutItem", format!("{:?}", write.table));
        }
        self.store.commit(writes).await
    }

    async fn list(
        &self,
        list: &List,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<Row>, StoreError> {
        self.note_query(Selection::list(list).index);
        self.store.list(list, limit, from).await
    }

    async fn count(&self, count: &Count, most: usize) -> Result<usize, StoreError> {
        self.note_query(Selection::count(count).index);
        self.store.count(count, most).await
    }

    async fn due(
        &self,
        table: Table,
        shard: u8,
        until: Timestamp,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<DueItem>, StoreError> {
        self.note_query(Selection::due(table, shard, until).index);
        self.store.due(table, shard, until, limit, from).await
    }

    async fn write_audit(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        self.note("BatchWriteItem", "Audit".to_owned());
        self.store.write_audit(records).await
    }

    async fn audit(
        &self,
        service: &str,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<AuditRecord>, StoreError> {
        self.note("Query", "Audit".to_owned());
        self.store.audit(service, limit, from).await
    }
}

/// The limiter's table, with what is asked of it written down.
#[derive(Clone, Debug)]
pub(crate) struct LimitsRecorder {
    limits: MemoryLimits,
    recorder: Recorder,
}

impl LimitsRecorder {
    fn used(&self, action: &str) {
        self.recorder.note(action, "Limits".to_owned());
    }
}

impl Limits for LimitsRecorder {
    async fn bot(&self) -> Result<Option<BotPace>, StoreError> {
        self.used("GetItem");
        self.limits.bot().await
    }

    async fn take(&self, take: &Take) -> Result<Moved<BotPace>, StoreError> {
        self.used("UpdateItem");
        self.limits.take(take).await
    }

    async fn note(&self, note: &Note) -> Result<Moved<BotPace>, StoreError> {
        self.used("UpdateItem");
        self.limits.note(note).await
    }

    async fn chat(&self, chat: ChatId) -> Result<Option<ChatPace>, StoreError> {
        self.used("GetItem");
        self.limits.chat(chat).await
    }

    async fn take_chat(
        &self,
        chat: ChatId,
        take: &ChatTake,
    ) -> Result<Moved<ChatPace>, StoreError> {
        self.used("UpdateItem");
        self.limits.take_chat(chat, take).await
    }

    async fn block_chat(
        &self,
        chat: ChatId,
        block: ChatBlock,
        now_us: i64,
    ) -> Result<(), StoreError> {
        self.used("UpdateItem");
        self.limits.block_chat(chat, block, now_us).await
    }

    async fn strikes(&self, message: &str) -> Result<u32, StoreError> {
        self.used("GetItem");
        self.limits.strikes(message).await
    }

    async fn strike(&self, message: &str, now_us: i64) -> Result<u32, StoreError> {
        self.used("UpdateItem");
        self.limits.strike(message, now_us).await
    }

    async fn forgive(&self, message: &str, now_us: i64) -> Result<(), StoreError> {
        self.used("UpdateItem");
        self.limits.forgive(message, now_us).await
    }
}

#[test]
fn the_functions_behind_routes_may_do_with_the_tables_what_they_do_and_nothing_else() {
    let used = answers::every_scene().recorder.used();
    let wrong = RefCell::new(Vec::new());
    for function in template::functions().into_values() {
        if function.routes().is_empty() {
            continue;
        }
        let used = used.get(&function.package).cloned().unwrap_or_default();
        let may: BTreeSet<_> =
            function.rights().into_iter().filter(|(a, _)| a.starts_with("dynamodb:")).collect();
        let tell = |what: &str, rights: Vec<&Right>| {
            if !rights.is_empty() {
                wrong.borrow_mut().push(format!("{} {what}: {rights:?}", function.package));
            }
        };
        tell("lacks", used.difference(&may).collect());
        tell("has for nothing", may.difference(&used).collect());
    }
    assert_eq!(wrong.into_inner(), Vec::<String>::new());
}

#[test]
fn no_function_may_do_what_no_code_does() {
    let mut code = String::new();
    for (path, text) in repository::texts() {
        if path.starts_with("shared/store/src") || path.starts_with("shared/limiter/src") {
            code.push_str(&text);
        }
    }
    // Lambda reads the streams in the name of the function.
    let streams = ["ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"];
    let mut wrong = Vec::new();
    for function in template::functions().into_values() {
        for (action, resource) in function.rights() {
            let Some(name) = action.strip_prefix("dynamodb:") else { continue };
            let is_done = code.contains(&format!(".{}()", snake(name)));
            if !is_done && !streams.contains(&name) {
                wrong.push(format!("{}: {action} on {resource}", function.package));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// `GetItem` as the SDK calls it: `get_item`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
