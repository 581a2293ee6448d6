//! What the attributes on a struct and its fields say, as plain data.

use syn::meta::ParseNestedMeta;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Lit, LitInt, LitStr, Meta, Path, Token};

/// `#[resource(...)]` or `#[data(...)]`.
pub struct Header {
    /// The type's name.
    pub name: LitStr,
    /// Whether this is a resource type, not a data source.
    pub resource: bool,
    /// The version of the format of stored objects.
    pub version: u64,
    /// Whether the type is of the newer provider framework.
    pub framework: bool,
    /// Whether the type has no attribute `id` of its own accord.
    pub no_id: bool,
    /// The operations of the `timeouts` block.
    pub timeouts: Vec<String>,
    /// Groups of arguments, with the name of the rule.
    pub groups: Vec<(String, Vec<String>)>,
}

impl Header {
    /// Finds the header among the attributes of a struct.
    pub fn find(input: &syn::DeriveInput) -> syn::Result<Self> {
        for a in &input.attrs {
            let resource = a.path().is_ident("resource");
            if resource || a.path().is_ident("data") {
                let mut header: Header = a.parse_args()?;
                header.resource = resource;
                return Ok(header);
            }
        }
        Err(syn::Error::new(input.ident.span(), "missing #[resource(\"type_name\")] or #[data(\"type_name\")]"))
    }
}

impl Parse for Header {
    fn parse(s: ParseStream<'_>) -> syn::Result<Self> {
        let mut header =
            Header { name: s.parse()?, resource: true, version: 0, framework: false, no_id: false, timeouts: vec![], groups: vec![] };
        while s.parse::<Option<Token![,]>>()?.is_some() && !s.is_empty() {
            let option: Ident = s.parse()?;
            match option.to_string().as_str() {
                "framework" => header.framework = true,
                "no_id" => header.no_id = true,
                "version" => {
                    s.parse::<Token![=]>()?;
                    header.version = s.parse::<LitInt>()?.base10_parse()?;
                }
                "timeouts" => header.timeouts = names(s)?,
                rule @ ("conflicts" | "exactly_one" | "at_least_one") => header.groups.push((rule.into(), names(s)?)),
                _ => return Err(syn::Error::new(option.span(), "unknown option of a schema")),
            }
        }
        Ok(header)
    }
}

fn names(s: ParseStream<'_>) -> syn::Result<Vec<String>> {
    let inner;
    syn::parenthesized!(inner in s);
    let names = Punctuated::<Ident, Token![,]>::parse_terminated_with(&inner, <Ident as syn::ext::IdentExt>::parse_any)?;
    Ok(names.iter().map(plain).collect())
}

/// The name of an identifier, raw or not.
pub fn plain(ident: &Ident) -> String {
    let s = ident.to_string();
    s.strip_prefix("r#").map_or(s.clone(), str::to_string)
}

/// When a change needs a new object.
#[derive(Default)]
pub enum ForcesNew {
    #[default]
    Never,
    Always,
    If(Path),
}

/// A field and its `#[attr(...)]`.
pub struct Field {
    pub ident: Ident,
    pub ty: syn::Type,
    pub name: String,
    pub doc: String,
    pub computed: bool,
    pub output: bool,
    pub optional: bool,
    pub required: bool,
    pub sensitive: bool,
    pub write_only: bool,
    pub told: bool,
    pub local: bool,
    pub unset_by_import: bool,
    pub as_blocks: bool,
    pub tags: bool,
    /// Of a type of the newer framework, set once the header is read.
    pub framework: bool,
    pub forces_new: ForcesNew,
    pub default: Option<Expr>,
    pub deprecated: Option<LitStr>,
    pub checks: Vec<Expr>,
    pub same: Option<Path>,
    pub block: Option<Ident>,
    pub min: usize,
    pub max: Option<usize>,
}

impl Field {
    /// Reads a field with its options.
    pub fn read(f: &syn::Field) -> syn::Result<Self> {
        let Some(ident) = f.ident.clone() else {
            return Err(syn::Error::new_spanned(f, "a schema needs named fields"));
        };
        let doc = doc(&f.attrs);
        if doc.is_empty() {
            return Err(syn::Error::new(ident.span(), "missing doc comment: it is the description people see"));
        }
        let mut field = Field {
            name: plain(&ident),
            ident,
            ty: f.ty.clone(),
            doc,
            computed: false,
            output: false,
            optional: false,
            required: false,
            sensitive: false,
            write_only: false,
            told: false,
            local: false,
            unset_by_import: false,
            as_blocks: false,
            tags: false,
            framework: false,
            forces_new: ForcesNew::Never,
            default: None,
            deprecated: None,
            checks: vec![],
            same: None,
            block: None,
            min: 0,
            max: None,
        };
        for a in f.attrs.iter().filter(|a| a.path().is_ident("attr")) {
            a.parse_nested_meta(|m| field.option(&m))?;
        }
        Ok(field)
    }

    fn option(&mut self, m: &ParseNestedMeta<'_>) -> syn::Result<()> {
        match m.path.require_ident()?.to_string().as_str() {
            "computed" => self.computed = true,
            "output" => self.output = true,
            "optional" => self.optional = true,
            "required" => self.required = true,
            "sensitive" => self.sensitive = true,
            "write_only" => self.write_only = true,
            "told" => self.told = true,
            "local" => self.local = true,
            "unset_by_import" => self.unset_by_import = true,
            "as_blocks" => self.as_blocks = true,
            "tags" => self.tags = true,
            "forces_new" if m.input.peek(Token![=]) => self.forces_new = ForcesNew::If(m.value()?.parse()?),
            "forces_new" => self.forces_new = ForcesNew::Always,
            "default" => self.default = Some(m.value()?.parse()?),
            "deprecated" => self.deprecated = Some(m.value()?.parse()?),
            "check" => self.checks.push(m.value()?.parse()?),
            "same" => self.same = Some(m.value()?.parse()?),
            "block" => self.block = Some(m.value()?.parse()?),
            "name" => self.name = m.value()?.parse::<LitStr>()?.value(),
            "min" => self.min = m.value()?.parse::<LitInt>()?.base10_parse()?,
            "max" => self.max = Some(m.value()?.parse::<LitInt>()?.base10_parse()?),
            _ => return Err(m.error("unknown option of an attribute")),
        }
        Ok(())
    }

    /// Whether null reads as the default of the field's type.
    pub fn lenient(&self) -> bool {
        self.computed || self.output || self.optional || self.default.is_some()
    }
}

/// The doc comment, its lines joined.
pub fn doc(attrs: &[syn::Attribute]) -> String {
    let mut lines = vec![];
    for a in attrs.iter().filter(|a| a.path().is_ident("doc")) {
        let Meta::NameValue(nv) = &a.meta else { continue };
        if let Expr::Lit(l) = &nv.value
            && let Lit::Str(s) = &l.lit
        {
            lines.push(s.value().trim().to_string());
        }
    }
    lines.join("\n").trim().to_string()
}
