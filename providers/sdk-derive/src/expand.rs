//! From the plain data of [`crate::options`] to code.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Expr};

use crate::options::{Field, ForcesNew, Header, doc};

/// `#[derive(Block)]`
pub fn block(input: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = fields(input)?;
    Ok(conversions(input, &fields, &[]))
}

/// `#[derive(Schema)]`
pub fn schema(input: &DeriveInput) -> syn::Result<TokenStream> {
    let header = Header::find(input)?;
    let mut fields = fields(input)?;
    fields.iter_mut().for_each(|f| f.framework = header.framework);
    let has_id = header.no_id || fields.iter().any(|f| f.name == "id");
    let id_presence = if header.framework { quote!(Computed) } else { quote!(OptionalComputed) };
    let mut more = vec![];
    if header.resource && !has_id {
        more.push(Extra {
            name: "id".into(),
            rows: quote!(attributes.push(typed::id_attribute(schema::Presence::#id_presence));),
            empty: quote!(Value::null(Type::String)),
        });
    }
    if !header.timeouts.is_empty() {
        let ops = &header.timeouts;
        more.push(Extra {
            name: "timeouts".into(),
            rows: quote!(blocks.push(typed::timeouts_block(&[#(#ops),*]));),
            empty: quote!(Value::null(typed::timeouts_type(&[#(#ops),*]))),
        });
    }
    let conversions = conversions(input, &fields, &more);
    let (ident, name, version, legacy) = (&input.ident, &header.name, header.version, !header.framework);
    let groups = header.groups.iter().map(|(rule, names)| {
        let rule = format_ident!("{rule}");
        quote!(schema.#rule.push(vec![#(#names.into()),*]);)
    });
    Ok(quote! {
        #conversions
        const _: () = {
            use ::secstack_sdk::base::schema;
            use ::secstack_sdk::typed;
            impl typed::Declared for #ident {
                const NAME: &'static str = #name;
                fn schema() -> &'static ::std::sync::Arc<schema::Schema> {
                    static SCHEMA: ::std::sync::OnceLock<::std::sync::Arc<schema::Schema>> = ::std::sync::OnceLock::new();
                    SCHEMA.get_or_init(|| {
                        let mut schema = schema::Schema {
                            version: #version,
                            block: <#ident as typed::BlockType>::block(),
                            legacy: #legacy,
                            ..::std::default::Default::default()
                        };
                        #(#groups)*
                        ::std::sync::Arc::new(schema)
                    })
                }
            }
        };
    })
}

/// An attribute or block that a schema has without a field for it.
struct Extra {
    name: String,
    rows: TokenStream,
    empty: TokenStream,
}

fn fields(input: &DeriveInput) -> syn::Result<Vec<Field>> {
    if doc(&input.attrs).is_empty() {
        return Err(syn::Error::new(input.ident.span(), "missing doc comment: it is the description people see"));
    }
    match &input.data {
        Data::Struct(data) => data.fields.iter().map(Field::read).collect(),
        _ => Err(syn::Error::new(input.ident.span(), "a schema is a struct")),
    }
}

fn conversions(input: &DeriveInput, fields: &[Field], more: &[Extra]) -> TokenStream {
    let ident = &input.ident;
    let about = doc(&input.attrs);
    let rows = fields.iter().map(row);
    let from = fields.iter().map(from_value);
    let into = fields.iter().map(into_value);
    let more_rows = more.iter().map(|e| &e.rows);
    let more_into = more.iter().map(|e| {
        let (name, empty) = (&e.name, &e.empty);
        quote!((Str::from(#name), #empty))
    });
    quote! {
        const _: () = {
            use ::secstack_sdk::base::{Str, Type, Value, convert::ConvertError, schema};
            use ::secstack_sdk::typed::{self, BlockType, FromValue, IntoValue};
            impl BlockType for #ident {
                fn block() -> schema::Block {
                    #[allow(unused_mut)]
                    let (mut attributes, mut blocks) = (::std::vec::Vec::new(), ::std::vec::Vec::new());
                    #(#rows)*
                    #(#more_rows)*
                    schema::Block { attributes, blocks, description: #about.into(), deprecated: None }.sorted()
                }
            }
            impl FromValue for #ident {
                fn ty() -> Type {
                    static TYPE: ::std::sync::OnceLock<Type> = ::std::sync::OnceLock::new();
                    TYPE.get_or_init(|| <Self as BlockType>::block().ty()).clone()
                }
                fn from_value(v: &Value) -> ::std::result::Result<Self, ConvertError> {
                    ::std::result::Result::Ok(Self { #(#from),* })
                }
            }
            impl IntoValue for #ident {
                fn into_value(self) -> Value {
                    Value::object(::std::vec::Vec::<(Str, Value)>::from([#(#into,)* #(#more_into),*]))
                }
            }
        };
    }
}

fn row(f: &Field) -> TokenStream {
    let (name, about, ty) = (&f.name, &f.doc, &f.ty);
    let forces_new = match &f.forces_new {
        ForcesNew::Never => quote!(schema::ForcesNew::Never),
        ForcesNew::Always => quote!(schema::ForcesNew::Always),
        ForcesNew::If(path) => quote!(schema::ForcesNew::If(#path)),
    };
    if f.tags {
        let tags_all = if f.framework { quote!(Computed) } else { quote!(OptionalComputed) };
        return quote!(attributes.extend(typed::tags_attributes(#about, schema::Presence::#tags_all)););
    }
    if let Some(nesting) = &f.block {
        let nesting = nesting_of(nesting);
        let (min, computed) = (f.min, f.computed);
        let max = option(f.max.as_ref());
        let block = quote!(<<#ty as typed::Blocks>::Item as BlockType>::block());
        let block = match &f.deprecated {
            Some(why) => quote!(schema::Block { deprecated: Some(#why.into()), ..#block }),
            None => block,
        };
        return quote! {
            blocks.push(schema::NestedBlock {
                name: #name.into(), nesting: #nesting, min: #min, max: #max, block: #block,
                forces_new: #forces_new, computed: #computed,
            });
        };
    }
    let presence = match (f.output, f.computed, f.optional || f.default.is_some()) {
        _ if f.required => quote!(schema::Presence::Required),
        (true, ..) => quote!(schema::Presence::Computed),
        (_, true, _) => quote!(schema::Presence::OptionalComputed),
        (_, _, true) => quote!(schema::Presence::Optional),
        _ => quote!(typed::presence::<#ty>()),
    };
    let flags = [
        ("sensitive", f.sensitive),
        ("write_only", f.write_only),
        ("told", f.told),
        ("local", f.local),
        ("unset_by_import", f.unset_by_import),
        ("as_blocks", f.as_blocks),
    ];
    let flags = flags.iter().filter(|(_, on)| *on).map(|(flag, _)| {
        let flag = format_ident!("{flag}");
        quote!(a.#flag = true;)
    });
    let default = f.default.iter().map(|e| quote!(a.default = Some(IntoValue::into_value(#e));));
    let deprecated = f.deprecated.iter().map(|e| quote!(a.deprecated = Some(#e.into());));
    let same = f.same.iter().map(|p| quote!(a.same = Some(#p);));
    let checks = f.checks.iter().map(check);
    quote! {{
        #[allow(unused_mut)]
        let mut a = schema::Attribute::new(#name, <#ty as FromValue>::ty(), #presence);
        a.description = #about.into();
        a.forces_new = #forces_new;
        #(#flags)* #(#default)* #(#deprecated)* #(#same)* #(a.checks.push(#checks);)*
        attributes.push(a);
    }}
}

/// `f` stays, `f(x)` becomes a function of the value that also passes `x`.
fn check(e: &Expr) -> TokenStream {
    match e {
        Expr::Call(call) => {
            let (func, args) = (&call.func, &call.args);
            quote!(|v: &Value| #func(v, #args))
        }
        _ => quote!(#e),
    }
}

fn nesting_of(word: &syn::Ident) -> TokenStream {
    let variant = match word.to_string().as_str() {
        "list" => "List",
        "set" => "Set",
        "map" => "Map",
        "group" => "Group",
        "single" => "Single",
        _ => return syn::Error::new(word.span(), "expected list, set, map, single or group").to_compile_error(),
    };
    let variant = format_ident!("{variant}");
    quote!(schema::Nesting::#variant)
}

fn from_value(f: &Field) -> TokenStream {
    let (ident, name) = (&f.ident, &f.name);
    if f.tags {
        return quote!(#ident: typed::all_tags(v)?);
    }
    if f.block.is_some() {
        return quote!(#ident: typed::blocks_of(v, #name)?);
    }
    if f.lenient() {
        return quote!(#ident: typed::attr_or_default(v, #name)?);
    }
    quote!(#ident: typed::attr(v, #name)?)
}

fn into_value(f: &Field) -> TokenStream {
    let (ident, name, ty) = (&f.ident, &f.name, &f.ty);
    if f.tags {
        return quote!(
            (Str::from("tags"), IntoValue::into_value(self.#ident.clone())),
            (Str::from("tags_all"), IntoValue::into_value(self.#ident))
        );
    }
    if let Some(nesting) = &f.block {
        let nesting = nesting_of(nesting);
        return quote!((Str::from(#name), typed::blocks_value::<#ty>(self.#ident, #nesting)));
    }
    quote!((Str::from(#name), IntoValue::into_value(self.#ident)))
}

fn option(v: Option<&usize>) -> TokenStream {
    match v {
        Some(v) => quote!(Some(#v)),
        None => quote!(None),
    }
}
