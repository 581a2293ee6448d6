//! The provider as the engine sees it.
//!
//! There are two editions, for the schemas of versions 5 and 6: in the second, types whose objects live in a region have
//! the argument `region`, and each piece of work is done with the clients of the region that its object names.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use secstack_base::schema::{Draft, ProviderSchema, Schema};
use secstack_base::{Diags, ProviderAddr, Str, Value};
use secstack_sdk::drift::{Known, Shared, Unmanaged, Weakness};
use secstack_sdk::typed::{Configured, Declared, FromValue, Registry};
use secstack_sdk::{Created, Error, ErrorKind, Found, Id, Instance, Provider, ReadRequest, Result, Status, Trace, Wait};

use crate::client::Aws;
use crate::config::Config;
use crate::regions::{self, Elsewhere};

/// Manages the objects of Amazon Web Services.
pub struct AwsProvider {
    registry: Arc<Registry<Aws>>,
    schema: ProviderSchema,
    edition: Edition,
}

/// Whose schemas are honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edition {
    Five,
    Six,
}

impl Default for AwsProvider {
    fn default() -> Self {
        Self::new()
    }
}

impl AwsProvider {
    /// The provider with all its types, as of version 5.
    pub fn new() -> Self {
        let registry = crate::registry();
        let config = Schema { version: 0, block: Config::schema().block.clone(), ..Schema::default() };
        Self { schema: registry.schema(config), registry: Arc::new(registry), edition: Edition::Five }
    }

    /// The same as of version 6.
    pub fn version_6() -> Self {
        let base = Self::new();
        Self { schema: regions::schemas(&base.schema), edition: Edition::Six, ..base }
    }

    fn instance(&self, cx: Option<Arc<Aws>>) -> Arc<dyn Instance> {
        let types = Configured { registry: self.registry.clone(), cx };
        let elsewhere = (self.edition == Edition::Six).then(Elsewhere::default);
        Arc::new(AwsInstance { types, data: self.schema.data.clone(), elsewhere })
    }
}

#[async_trait]
impl Provider for AwsProvider {
    fn address(&self) -> ProviderAddr {
        ProviderAddr::hashicorp("aws")
    }

    fn versions(&self) -> Vec<&'static str> {
        match self.edition {
            Edition::Five => vec!["5.100.0"],
            Edition::Six => vec!["6.0.0"],
        }
    }

    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    fn editions(&self) -> Vec<Arc<dyn Provider>> {
        match self.edition {
            Edition::Five => vec![Arc::new(Self::version_6())],
            Edition::Six => Vec::new(),
        }
    }

    async fn configure(&self, config: &Value) -> Result<Arc<dyn Instance>> {
        let wrong = |e: secstack_base::convert::ConvertError| {
            Error::new(ErrorKind::Invalid, format!("the argument {} of the provider does not fit: {}", e.path, e.message))
        };
        let cx = Aws::open(Config::from_value(config).map_err(wrong)?).await?;
        Ok(self.instance(Some(Arc::new(cx))))
    }

    fn unconfigured(&self) -> Arc<dyn Instance> {
        self.instance(None)
    }
}

/// The types in their context, with memos of reads that no change outlives.
struct AwsInstance {
    types: Configured<Aws>,
    data: BTreeMap<Str, Arc<Schema>>,
    /// Other regions, in the edition that knows them.
    elsewhere: Option<Elsewhere>,
}

impl AwsInstance {
    /// The other regions, if objects of a type may be there.
    fn elsewhere(&self, ty: &str) -> Option<&Elsewhere> {
        self.elsewhere.as_ref().filter(|_| regions::is_regional(ty))
    }

    /// The types in a region; in that of the provider without one.
    fn at(&self, region: Option<&str>) -> Configured<Aws> {
        let cx = match (&self.elsewhere, &self.types.cx, region) {
            (Some(elsewhere), Some(home), Some(region)) => Some(elsewhere.open(home, region)),
            (_, home, _) => home.clone(),
        };
        Configured { registry: self.types.registry.clone(), cx }
    }

    /// The types where an object is or is to be.
    fn of(&self, ty: &str, object: &Value) -> Configured<Aws> {
        self.at(self.elsewhere(ty).and_then(|_| regions::of(object)))
    }

    /// Objects by the region in which each was seen.
    fn by_region<'a, T>(&self, objects: &'a [T], id: impl Fn(&T) -> &Id) -> Vec<(Configured<Aws>, Vec<&'a T>)> {
        let mut groups: BTreeMap<Option<String>, Vec<&T>> = BTreeMap::new();
        for object in objects {
            groups.entry(self.elsewhere.as_ref().and_then(|e| e.seen(id(object)))).or_default().push(object);
        }
        groups.into_iter().map(|(region, objects)| (self.at(region.as_deref()), objects)).collect()
    }

    async fn read_everywhere(&self, elsewhere: &Elsewhere, ty: &str, objects: &[ReadRequest]) -> Vec<Result<Option<Found>>> {
        let mut groups: BTreeMap<Option<String>, (Vec<usize>, Vec<ReadRequest>)> = BTreeMap::new();
        for (i, request) in objects.iter().enumerate() {
            let (request, region) = regions::asked(request);
            let (places, requests) = groups.entry(region).or_default();
            places.push(i);
            requests.push(request);
        }
        let reads = groups.into_iter().map(|(region, (places, requests))| async move {
            let types = self.at(region.as_deref());
            let region = types.cx.as_ref().map(|cx| cx.region().to_string()).unwrap_or_default();
            let answers = read(&types, ty, &requests).await;
            let placed = |((i, request), answer): ((usize, &ReadRequest), Result<Option<Found>>)| {
                elsewhere.note(&request.id, &region);
                let shown = |f: Found| Found { value: regions::found(ty, &region, f.value), ..f };
                (i, answer.map(|found| found.map(shown)))
            };
            places.into_iter().zip(&requests).zip(answers).map(placed).collect::<Vec<_>>()
        });
        let mut answers: Vec<_> = join_all(reads).await.into_iter().flatten().collect();
        answers.sort_by_key(|(i, _)| *i);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }
}

/// Reads objects of one region.
async fn read(types: &Configured<Aws>, ty: &str, objects: &[ReadRequest]) -> Vec<Result<Option<Found>>> {
    let answers = types.read(ty, objects).await;
    // What is not there yet will be asked for again. What a first look does not find is gone.
    let changed = types.cx.as_ref().is_some_and(|cx| !cx.is_fresh());
    let settled = |a: &Result<Option<Found>>| match a {
        Ok(Some(f)) => f.status == Status::Ready,
        Ok(None) => !changed,
        Err(_) => false,
    };
    if let Some(cx) = types.cx.as_ref().filter(|_| !answers.iter().all(settled)) {
        cx.forget();
    }
    answers
}

/// The object with all tags that it is to have.
fn complete(types: &Configured<Aws>, planned: &Value) -> Value {
    types.cx.as_ref().map_or_else(|| planned.clone(), |cx| cx.tags.complete(planned))
}

/// Notes that something changed where the types are at work.
fn change(types: &Configured<Aws>) {
    if let Some(cx) = &types.cx {
        cx.change();
    }
}

#[async_trait]
impl Instance for AwsInstance {
    fn validate(&self, ty: &str, data: bool, config: &Value) -> Diags {
        self.types.validate(ty, data, config)
    }

    fn plan(&self, ty: &str, draft: &mut Draft) -> Diags {
        let mut diags = self.types.plan(ty, draft);
        if self.elsewhere(ty).is_some() {
            diags.extend(regions::plan(self.types.cx.as_ref().map(|cx| cx.region()), draft));
        }
        diags
    }

    fn wait(&self, ty: &str) -> Wait {
        self.types.wait(ty)
    }

    async fn read(&self, ty: &str, objects: &[ReadRequest]) -> Vec<Result<Option<Found>>> {
        match self.elsewhere(ty) {
            Some(elsewhere) => self.read_everywhere(elsewhere, ty, objects).await,
            None => read(&self.types, ty, objects).await,
        }
    }

    async fn create(&self, ty: &str, planned: &Value, token: &str) -> Result<Created> {
        let types = self.of(ty, planned);
        let made = types.create(ty, &complete(&types, planned), token).await;
        change(&types);
        made
    }

    /// With the region behind it, where that is not the provider's.
    fn natural(&self, ty: &str, planned: &Value, token: &str) -> Option<Str> {
        let natural = self.types.natural(ty, planned, token);
        let home = self.types.cx.as_ref().map(|cx| cx.region());
        match self.elsewhere(ty).and_then(|_| regions::of(planned)).filter(|r| Some(*r) != home) {
            Some(region) => Some(format!("{}@{region}", natural.unwrap_or_default()).into()),
            None => natural,
        }
    }

    fn leaves_token(&self, ty: &str) -> bool {
        self.types.leaves_token(ty)
    }

    fn tells_ours(&self, ty: &str) -> bool {
        self.types.tells_ours(ty)
    }

    async fn find_made(&self, ty: &str, trace: &Trace) -> Result<Option<Id>> {
        let (trace, region) = match self.elsewhere(ty) {
            Some(_) => regions::traced(trace),
            None => (trace.clone(), None),
        };
        let types = self.at(region.as_deref());
        // A call that was under way may have been carried out since somebody last looked.
        change(&types);
        types.find_made(ty, &trace).await
    }

    async fn settle(&self, objects: &[(Str, Id)]) -> Result<()> {
        let mut all = Ok(());
        for (types, objects) in self.by_region(objects, |(_, id)| id) {
            let objects: Vec<_> = objects.into_iter().cloned().collect();
            all = all.and(types.settle(&objects).await);
            change(&types);
        }
        all
    }

    async fn finish(&self, ty: &str, id: &Id, planned: &Value) -> Result<()> {
        let types = self.of(ty, planned);
        let done = types.finish(ty, id, &complete(&types, planned)).await;
        change(&types);
        done
    }

    async fn update(&self, ty: &str, id: &Id, prior: &Value, planned: &Value) -> Result<Option<Value>> {
        if self.elsewhere(ty).is_some() && regions::is_noted(prior, planned) {
            return Ok(None);
        }
        let types = self.of(ty, prior);
        let done = types.update(ty, id, prior, &complete(&types, planned)).await;
        change(&types);
        done
    }

    async fn delete(&self, ty: &str, id: &Id, prior: &Value) -> Result<()> {
        let types = self.of(ty, prior);
        let done = types.delete(ty, id, prior).await;
        change(&types);
        done
    }

    /// The region of the object may stand behind its ID.
    async fn import(&self, ty: &str, text: &str) -> Result<ReadRequest> {
        let (id, region) = self.elsewhere(ty).map_or((text, None), |_| regions::split(text));
        let request = self.at(region).import(ty, id).await?;
        let behind = region.map_or_else(|| request.id.clone(), |region| Id(format!("{}@{region}", request.id).into()));
        Ok(ReadRequest { id: behind, ..request })
    }

    fn weakened(&self, ty: &str, was: &Value, now: Option<&Value>) -> Vec<Weakness> {
        self.types.weakened(ty, was, now)
    }

    fn shared(&self, ty: &str, now: &Value, known: &Known) -> Vec<Shared> {
        self.types.shared(ty, now, known)
    }

    async fn unmanaged(&self, ty: &str, ours: &[Id], known: &Known) -> Result<Vec<Unmanaged>> {
        let mut found = Vec::new();
        for (types, ours) in self.by_region(ours, |id| id) {
            let ours: Vec<_> = ours.into_iter().cloned().collect();
            found.extend(types.unmanaged(ty, &ours, known).await?);
        }
        Ok(found)
    }

    async fn read_data(&self, ty: &str, config: &Value) -> Result<Value> {
        let types = self.of(ty, config);
        let mut found = match self.elsewhere(ty) {
            Some(_) => {
                let found = types.read_data(ty, &regions::arguments(ty, config)).await?;
                let region = types.cx.as_ref().map(|cx| cx.region()).unwrap_or_default();
                let region = found.get_str("name").filter(|_| ty == "aws_region").unwrap_or(region).to_string();
                regions::found(ty, &region, found)
            }
            None => types.read_data(ty, config).await?,
        };
        // What was not said is null, not empty.
        let block = self.data.get(ty).map(|s| &s.block);
        let attributes = block.iter().flat_map(|b| &b.attributes).filter(|a| !a.presence.is_computed()).map(|a| &a.name);
        let blocks = block.iter().flat_map(|b| &b.blocks).map(|b| &b.name);
        let empty = |v: &&Value| v.is_null() || v.ty().is_collection() && v.parts().next().is_none();
        for name in attributes.chain(blocks) {
            if let Some(none) = config.get(name).filter(empty).and(found.get(name).filter(empty)) {
                found = found.with(name, Value::null(none.ty()));
            }
        }
        Ok(found)
    }
}
