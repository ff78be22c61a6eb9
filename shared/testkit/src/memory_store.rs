//! The tables in memory.
//!
//! What is saved is written as an item with the attributes that it has in DynamoDB and read back, and
//! is found by the same [`Selection`]s; so what is read here is as it is there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::relay::AuditRecord;
use jiff::Timestamp;
use serde_dynamo::Item;
use store::layout::{Bound, ID, INDEXES, Selection};
use store::{
    CommitError, Count, Cursor, DueItem, Entity, List, Page, Row, Store, StoreError, Table, Write,
    item_from_row, moment, place_in, row_from_image, shard_of, text,
};

/// The most writes of one transaction (Amazon DynamoDB, `TransactWriteItems`).
const MOST_WRITES: usize = 100;

/// The tables in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

/// A change, as the table's stream tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRecord {
    /// In which table.
    pub table: Table,
    /// The row as it was; `None` when it is new.
    pub before: Option<Arc<Row>>,
    /// The row as it is.
    pub after: Arc<Row>,
}

/// A call of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// [`Store::read`].
    Read,
    /// [`Store::commit`].
    Commit,
    /// [`Store::list`].
    List,
    /// [`Store::count`].
    Count,
    /// [`Store::due`].
    Due,
    /// [`Store::write_audit`].
    WriteAudit,
    /// [`Store::audit`].
    Audit,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call is not carried out: [`StoreError::Unavailable`].
    NotDone(Call),
    /// A commit is carried out, but its answer is lost: [`StoreError::Unavailable`].
    CommitAnswerLost,
    /// Audit records are written, but the answer is lost: [`StoreError::Unavailable`].
    AuditAnswerLost,
    /// A commit meets somebody else's change: [`CommitError::Conflict`].
    Conflict,
}

impl Fault {
    const fn call(self) -> Call {
        match self {
            Self::NotDone(call) => call,
            Self::CommitAnswerLost | Self::Conflict => Call::Commit,
            Self::AuditAnswerLost => Call::WriteAudit,
        }
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("a fault of the test".to_owned())
}

/// Where a row stands in an index. The order of the fields is the order of the index.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    table: Table,
    index: &'static str,
    part: String,
    range: String,
    id: String,
}

/// What stands in a table under one key, and where it is found otherwise.
#[derive(Debug)]
struct Kept {
    what: What,
    places: Vec<Arc<Place>>,
    /// When the sweep has to look at it.
    due_at: Option<Timestamp>,
}

#[derive(Debug)]
enum What {
    Row(Arc<Row>),
    /// Put there as it is, past the port.
    Raw(Item),
}

/// The audit trail of a service.
type Trail = BTreeMap<String, Arc<AuditRecord>>;

/// The rows of a table, by their keys.
type Rows = BTreeMap<Arc<str>, Arc<Kept>>;

#[derive(Clone, Debug, Default)]
struct State {
    /// Whether rows are kept as they come: see [`MemoryStore::quick`].
    quick: bool,
    rows: BTreeMap<Table, Rows>,
    places: BTreeSet<Arc<Place>>,
    /// What is due, and when: most shards hold nothing that is, and that is seen here at once.
    due: BTreeSet<(Timestamp, Table, Arc<str>)>,
    /// By service, and by the place in its trail.
    trail: BTreeMap<String, Arc<Trail>>,
    stream: Vec<StreamRecord>,
    faults: VecDeque<Fault>,
}

impl Clone for MemoryStore {
    /// Tables of their own, with the same in them.
    fn clone(&self) -> Self {
        Self(Mutex::new(self.state().clone()))
    }
}

impl MemoryStore {
    /// Tables that keep rows as they come, without writing them as items first: for those who go
    /// through very many of them. A test of the world holds that they tell the same stories.
    pub fn quick() -> Self {
        Self(Mutex::new(State { quick: true, ..State::default() }))
    }

    /// Lets the next calls go wrong: each fault is used once, by the first call of its kind that
    /// comes, in the order in which they were given.
    pub fn fail_next(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    /// Takes the changes since the last time, in the order in which they were made.
    pub fn take_stream(&self) -> Vec<StreamRecord> {
        std::mem::take(&mut self.state().stream)
    }

    /// Every row of a table that can be read.
    pub fn rows(&self, table: Table) -> Vec<Row> {
        let state = self.state();
        state
            .table(table)
            .filter_map(|kept| kept.what.row().ok().map(Arc::unwrap_or_clone))
            .collect()
    }

    /// A row that can be read, at once.
    pub fn peek(&self, table: Table, id: &str) -> Option<Row> {
        self.state().read(table, id).ok().flatten().map(Arc::unwrap_or_clone)
    }

    /// Every item of a kind.
    pub fn all<E: Entity>(&self) -> Vec<Arc<E>> {
        let state = self.state();
        state.table(E::TABLE).filter_map(|kept| kept.what.item()).collect()
    }

    /// An item, at once.
    pub fn find<E: Entity>(&self, id: &str) -> Option<Arc<E>> {
        self.state().kept(E::TABLE, id)?.what.item()
    }

    /// Takes away what may be tidied away by then, which tells nobody anything: DynamoDB does so within
    /// some days ("Using time to live (TTL) in DynamoDB").
    pub fn tidy(&self, until: Timestamp) {
        let mut state = self.state();
        let over = |kept: &Kept| {
            let expires = kept.what.row().ok().and_then(|row| row.index.expires);
            expires.is_some_and(|at| at <= until)
        };
        let ids: Vec<_> = state
            .rows
            .iter()
            .flat_map(|(table, rows)| rows.iter().map(|(id, kept)| (*table, id, kept)))
            .filter(|(_, _, kept)| over(kept))
            .map(|(table, id, _)| (table, Arc::clone(id)))
            .collect();
        for (table, id) in ids {
            state.take_away(table, &id);
        }
    }

    /// When the first row of all is due.
    pub fn first_due(&self) -> Option<Timestamp> {
        self.state().due.first().map(|(at, ..)| *at)
    }

    /// The whole audit trail, service by service, oldest first.
    pub fn trail(&self) -> Vec<AuditRecord> {
        let state = self.state();
        let records = state.trail.values().flat_map(|trail| trail.values());
        records.map(|record| AuditRecord::clone(record)).collect()
    }

    /// Whether the audit trail holds just this record.
    pub fn has_audit(&self, record: &AuditRecord) -> bool {
        let state = self.state();
        let found = state.trail.get(&record.service_id).and_then(|its| its.get(&record.seq));
        found.is_some_and(|found| **found == *record)
    }

    /// Puts an item there as it is, past every condition and without a stream record: for rows
    /// that nobody could have saved.
    pub fn put_item(&self, table: Table, item: Item) {
        let id = text(&item, ID).unwrap_or_default().to_owned();
        let places = INDEXES.iter().filter(|index| index.table == table).filter_map(|index| {
            let (part, range) = (text(&item, index.hash)?, text(&item, index.range)?);
            Some(Place::new(table, index.name, part.to_owned(), range.to_owned(), &id))
        });
        let places = places.collect();
        let due_at = text(&item, "due_at").and_then(moment);
        self.state().put(table, &id, Kept { what: What::Raw(item), places, due_at });
    }

    /// Never held across an await. A test that panicked elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state for a call, if that call is not to go wrong.
    fn begin(&self, call: Call) -> Result<MutexGuard<'_, State>, StoreError> {
        let mut state = self.state();
        match state.fault(call) {
            Some(_) => Err(unavailable()),
            None => Ok(state),
        }
    }
}

impl What {
    /// The item of a row, without a copy of the row.
    fn item<E: Entity>(&self) -> Option<Arc<E>> {
        let of = |row: &Row| (row.kind == E::KIND).then(|| row.body.item()).flatten();
        match self {
            Self::Row(row) => of(row),
            Self::Raw(item) => of(&row_from_image(item.clone()).ok()?),
        }
    }

    fn row(&self) -> Result<Arc<Row>, StoreError> {
        Ok(match self {
            Self::Row(row) => Arc::clone(row),
            Self::Raw(item) => Arc::new(row_from_image(item.clone())?),
        })
    }
}

impl Place {
    fn new(table: Table, index: &'static str, part: String, range: String, id: &str) -> Arc<Self> {
        Arc::new(Self { table, index, part, range, id: id.to_owned() })
    }
}

fn places(table: Table, row: &Row) -> Vec<Arc<Place>> {
    let indexes = INDEXES.iter().filter(|index| index.table == table);
    let places = indexes.filter_map(|index| {
        let (part, range) = place_in(row, index)?;
        Some(Place::new(table, index.name, part, range, &row.id))
    });
    places.collect()
}

/// The first `limit` of what there is, and where it goes on if there is more.
fn page<T>(items: impl Iterator<Item = T>, limit: usize, end: impl Fn(&T) -> Cursor) -> Page<T> {
    let limit = limit.max(1);
    let mut items: Vec<T> = items.take(limit.saturating_add(1)).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(end);
    Page { items, next }
}

impl State {
    fn fault(&mut self, call: Call) -> Option<Fault> {
        let at = self.faults.iter().position(|fault| fault.call() == call)?;
        self.faults.remove(at)
    }

    fn table(&self, table: Table) -> impl Iterator<Item = &Arc<Kept>> {
        self.rows.get(&table).into_iter().flat_map(BTreeMap::values)
    }

    fn kept(&self, table: Table, id: &str) -> Option<&Arc<Kept>> {
        self.rows.get(&table)?.get(id)
    }

    fn take_away(&mut self, table: Table, id: &Arc<str>) {
        let Some(old) = self.rows.get_mut(&table).and_then(|rows| rows.remove(id)) else { return };
        for place in &old.places {
            self.places.remove(place);
        }
        if let Some(at) = old.due_at {
            self.due.remove(&(at, table, Arc::clone(id)));
        }
    }

    fn put(&mut self, table: Table, id: &str, kept: Kept) {
        let id: Arc<str> = id.into();
        self.take_away(table, &id);
        self.places.extend(kept.places.iter().cloned());
        self.due.extend(kept.due_at.map(|at| (at, table, Arc::clone(&id))));
        self.rows.entry(table).or_default().insert(id, Arc::new(kept));
    }

    fn read(&self, table: Table, id: &str) -> Result<Option<Arc<Row>>, StoreError> {
        self.kept(table, id).map(|kept| kept.what.row()).transpose()
    }

    /// Whether something of a shard is due by then.
    fn is_due(&self, table: Table, shard: u8, until: Timestamp) -> bool {
        let mut due = self.due.iter().take_while(|(at, ..)| *at <= until);
        due.any(|(_, of, id)| *of == table && shard_of(id) == shard)
    }

    fn commit(&mut self, writes: Vec<Write>) -> Result<(), CommitError> {
        let keys: BTreeSet<_> = writes.iter().map(|write| (write.table, &write.row.id)).collect();
        if keys.len() < writes.len() || writes.len() > MOST_WRITES {
            return Err(StoreError::Refused("not a transaction".to_owned()).into());
        }
        let mut changes = Vec::with_capacity(writes.len());
        for Write { table, expected, row } in writes {
            let before = self.read(table, &row.id)?;
            if before.as_ref().map(|before| before.meta.ver) != expected {
                return Err(CommitError::Conflict);
            }
            let after = match self.quick {
                true => row,
                false => item_from_row(&row).and_then(row_from_image).map_err(StoreError::from)?,
            };
            changes.push(StreamRecord { table, before, after: Arc::new(after) });
        }
        for record in changes {
            let (table, row) = (record.table, &record.after);
            let (places, due_at) = (places(table, row), row.index.due_at);
            self.put(table, &row.id, Kept { what: What::Row(Arc::clone(row)), places, due_at });
            self.stream.push(record);
        }
        Ok(())
    }

    /// What a selection finds, in its order, from a cursor on.
    fn select(
        &self,
        selection: &Selection,
        from: Option<&Cursor>,
    ) -> Result<impl Iterator<Item = &Place>, StoreError> {
        let from = from.map(Cursor::keys::<2>).transpose()?;
        let Selection { index, part, bound, ascending } = selection;
        let first = Place {
            table: index.table,
            index: index.name,
            part: part.clone(),
            range: String::new(),
            id: String::new(),
        };
        let mut found: Vec<&Place> = self
            .places
            .range::<Place, _>(first..)
            .map(AsRef::as_ref)
            .take_while(|place| (place.table, place.index) == (index.table, index.name))
            .take_while(|place| place.part == *part)
            .filter(|place| match bound {
                Bound::None => true,
                Bound::After(bound) => place.range > *bound,
                Bound::Before(bound) => place.range < *bound,
            })
            .collect();
        if !ascending {
            found.reverse();
        }
        let passed = move |place: &&Place| match &from {
            None => false,
            Some([range, id]) if *ascending => (&place.range, &place.id) <= (range, id),
            Some([range, id]) => (&place.range, &place.id) >= (range, id),
        };
        Ok(found.into_iter().skip_while(passed))
    }
}

fn end(place: &&Place) -> Cursor {
    Cursor::at([place.range.as_str(), place.id.as_str()])
}

impl Store for MemoryStore {
    async fn read(&self, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        Ok(self.begin(Call::Read)?.read(table, id)?.map(Arc::unwrap_or_clone))
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        let mut state = self.state();
        match state.fault(Call::Commit) {
            None => state.commit(writes),
            Some(Fault::Conflict) => Err(CommitError::Conflict),
            Some(Fault::CommitAnswerLost) => {
                state.commit(writes)?;
                Err(unavailable().into())
            }
            Some(Fault::NotDone(_) | Fault::AuditAnswerLost) => Err(unavailable().into()),
        }
    }

    async fn list(
        &self,
        list: &List,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<Row>, StoreError> {
        let state = self.begin(Call::List)?;
        let selection = Selection::list(list);
        let page = page(state.select(&selection, from)?, limit, end);
        let rows = page.items.into_iter().filter_map(|place| {
            // A row that cannot be read does not hide the others.
            state.read(place.table, &place.id).ok().flatten().map(Arc::unwrap_or_clone)
        });
        Ok(Page { items: rows.collect(), next: page.next })
    }

    async fn count(&self, count: &Count, most: usize) -> Result<usize, StoreError> {
        let state = self.begin(Call::Count)?;
        Ok(state.select(&Selection::count(count), None)?.take(most).count())
    }

    async fn due(
        &self,
        table: Table,
        shard: u8,
        until: Timestamp,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<DueItem>, StoreError> {
        let state = self.begin(Call::Due)?;
        if !state.is_due(table, shard, until) {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let selection = Selection::due(table, shard, until);
        let page = page(state.select(&selection, from)?, limit, end);
        let items = page.items.into_iter().filter_map(|place| {
            Some(DueItem { id: place.id.clone(), due_at: moment(&place.range)? })
        });
        Ok(Page { items: items.collect(), next: page.next })
    }

    async fn write_audit(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        let mut state = self.state();
        let fault = state.fault(Call::WriteAudit);
        if matches!(fault, None | Some(Fault::AuditAnswerLost)) {
            for record in records {
                let trail = state.trail.entry(record.service_id.clone()).or_default();
                Arc::make_mut(trail).insert(record.seq.clone(), Arc::new(record.clone()));
            }
        }
        fault.map_or(Ok(()), |_| Err(unavailable()))
    }

    async fn audit(
        &self,
        service: &str,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<AuditRecord>, StoreError> {
        let state = self.begin(Call::Audit)?;
        let from = from.map(Cursor::keys::<1>).transpose()?;
        let trail = state.trail.get(service).into_iter().flat_map(|trail| trail.values().rev());
        let newest_first = trail
            .skip_while(|record| from.as_ref().is_some_and(|[seq]| record.seq >= *seq))
            .map(|record| AuditRecord::clone(record));
        Ok(page(newest_first, limit, |record| Cursor::at([record.seq.as_str()])))
    }
}
