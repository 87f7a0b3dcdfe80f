// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The content of a skeleton from libbpf-cargo.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use quote::ToTokens;
use syn::Fields;
use syn::GenericArgument;
use syn::ImplItem;
use syn::Item;
use syn::ItemMod;
use syn::PathArguments;
use syn::Type;

/// The start of the line with the object file itself, which is long.
const DATA: &str = "static DATA: ";

/// The largest array for which Rust derives `Default`.
const MAX_DEFAULT: u64 = 32;

/// A field of a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// Its type, as the skeleton has it.
    pub ty: String,
    /// The name of its type, or of its elements' type if it is an array.
    pub of: Option<String>,
}

impl Field {
    /// Whether libbpf-cargo has added it to fill a gap.
    pub fn is_padding(&self) -> bool {
        let offset = self.name.strip_prefix("__pad_");

        offset.is_some_and(|offset| offset.parse::<u32>().is_ok())
    }
}

/// A section with global data.
#[derive(Clone, Debug)]
pub struct Section {
    /// The name of its type.
    pub ty: String,
    /// The name of the field of `maps` that has its content.
    pub data: String,
    /// Whether programs cannot write it.
    pub constant: bool,
    pub fields: Vec<Field>,
}

/// A skeleton.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name, as its types have it.
    pub name: String,
    /// Its structs and unions, by their names.
    pub types: BTreeMap<String, Vec<Field>>,
    pub sections: Vec<Section>,
}

impl Source {
    /// Reads a skeleton.
    ///
    /// # Errors
    ///
    /// The part of it that cannot be compiled.
    pub fn parse(text: &str) -> Result<Self, String> {
        let without_data = match text.rfind(DATA) {
            Some(start) => text.get(..start).unwrap_or_default(),
            None => text,
        };
        // Close the module that the data is in.
        let without_data = without_data
            .trim_end()
            .trim_end_matches("#[unsafe(link_section = \".bpf.objs\")]")
            .to_owned()
            + "}";
        let file = syn::parse_file(&without_data).map_err(|error| {
            let line = error.span().start().line;
            let line = without_data.lines().nth(line.saturating_sub(1));
            format!(
                "'{}' would be in it, which is not Rust",
                line.unwrap_or_default().trim()
            )
        })?;
        let imp = module(&file.items, "imp").ok_or(UNKNOWN)?;
        check_items(imp)?;
        let types = module(imp, "types").ok_or(UNKNOWN)?;
        check_items(types)?;
        let mut source = Self {
            name: String::new(),
            types: BTreeMap::new(),
            sections: vec![],
        };
        for item in types {
            if let Some((name, fields)) = composite(item) {
                let derives = derives_default(item);
                let large = fields.iter().find(|(_, ty)| derives && has_large_array(ty));
                if let Some((field, _)) = large {
                    return Err(format!(
                        "{name}.{field} is an array in an array of more than {MAX_DEFAULT} elements"
                    ));
                }
                let fields = fields.iter().map(|(name, ty)| field(name, ty)).collect();
                source.types.insert(name, fields);
            }
        }
        source.name = imp
            .iter()
            .find_map(|item| match item {
                Item::Struct(item) => {
                    let name = item.ident.to_string();
                    Some(name.strip_suffix("SkelBuilder")?.to_owned())
                }
                _ => None,
            })
            .ok_or(UNKNOWN)?;
        source.sections = source.sections(imp)?;
        Ok(source)
    }

    /// The sections that programs cannot write, without those that libbpf itself fills.
    pub fn constants(&self) -> impl Iterator<Item = &Section> {
        self.sections
            .iter()
            .filter(|section| section.constant && section.data != "kconfig_data")
    }

    fn sections(&self, imp: &[Item]) -> Result<Vec<Section>, String> {
        let maps = format!("{}Maps", self.name);
        let maps = imp
            .iter()
            .filter_map(composite)
            .find(|(name, _)| *name == maps)
            .ok_or(UNKNOWN)?;
        let mut found = vec![];

        for (data, ty) in &maps.1 {
            let Some((ty, constant)) = mapped(ty) else {
                continue;
            };
            let fields = self
                .types
                .get(&ty)
                .ok_or_else(|| format!("there is no type for the content of {data}"))?;
            found.push(Section {
                fields: fields.clone(),
                ty,
                data: data.clone(),
                constant,
            });
        }
        Ok(found)
    }
}

const UNKNOWN: &str = "this version of libbpf-cargo writes other skeletons";

fn module<'a>(items: &'a [Item], name: &str) -> Option<&'a [Item]> {
    items.iter().find_map(|item| match item {
        Item::Mod(ItemMod {
            ident,
            content: Some((_, items)),
            ..
        }) if ident == name => Some(items.as_slice()),
        _ => None,
    })
}

/// Checks that no two items, fields or constants have the same name.
fn check_items(items: &[Item]) -> Result<(), String> {
    let mut types = BTreeSet::new();

    for item in items {
        if let Some((name, fields)) = composite(item) {
            let mut names = BTreeSet::new();
            for (field, _) in &fields {
                // syn accepts this as a field, but rustc does not.
                if field == "_" {
                    return Err(format!("{name} would have a field '_', which is not Rust"));
                }
                if !names.insert(field) {
                    return Err(format!("{name} would have two fields {field}"));
                }
            }
            if !types.insert(name.clone()) {
                return Err(format!("it would have two types {name}"));
            }
        }
        if let Item::Impl(item) = item {
            let mut names = BTreeSet::new();
            for item in &item.items {
                if let ImplItem::Const(item) = item {
                    if !names.insert(item.ident.to_string()) {
                        return Err(format!("it would have two constants {}", item.ident));
                    }
                }
            }
        }
    }
    Ok(())
}

/// The name and the fields of a struct or a union.
fn composite(item: &Item) -> Option<(String, Vec<(String, &Type)>)> {
    let (ident, fields) = match item {
        Item::Struct(item) => match &item.fields {
            Fields::Named(fields) => (&item.ident, fields),
            _ => return Some((item.ident.to_string(), vec![])),
        },
        Item::Union(item) => (&item.ident, &item.fields),
        _ => return None,
    };
    let fields = fields.named.iter();
    let fields = fields.filter_map(|field| Some((field.ident.as_ref()?.to_string(), &field.ty)));

    Some((ident.to_string(), fields.collect()))
}

fn derives_default(item: &Item) -> bool {
    let Item::Struct(item) = item else {
        return false;
    };
    item.attrs.iter().any(|attribute| {
        let mut found = false;
        // An attribute that cannot be parsed is not one of ours.
        let _ = attribute.parse_nested_meta(|meta| {
            found |= attribute.path().is_ident("derive") && meta.path.is_ident("Default");
            Ok(())
        });
        found
    })
}

/// Whether this type contains an array that has no `Default`.
fn has_large_array(ty: &Type) -> bool {
    match ty {
        Type::Array(array) => {
            let large = len(&array.len).is_none_or(|len| len > MAX_DEFAULT);
            large || has_large_array(&array.elem)
        }
        _ => false,
    }
}

fn len(expr: &syn::Expr) -> Option<u64> {
    match expr {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Int(int),
            ..
        }) => int.base10_parse().ok(),
        _ => None,
    }
}

fn field(name: &str, ty: &Type) -> Field {
    let mut of = ty;

    while let Type::Array(array) = of {
        of = &array.elem;
    }
    Field {
        name: name.into(),
        ty: text(ty),
        of: match of {
            Type::Path(path) => path.path.get_ident().map(ToString::to_string),
            _ => None,
        },
    }
}

/// A type, as Rust writes it.
fn text(ty: &Type) -> String {
    ty.to_token_stream().to_string()
}

/// The name TYPE in `Option<&types::TYPE>`, and whether the content is read-only.
fn mapped(ty: &Type) -> Option<(String, bool)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(Type::Reference(to)) if last.ident == "Option" => {
            let Type::Path(path) = to.elem.as_ref() else {
                return None;
            };
            let name = path.path.segments.last()?.ident.to_string();
            Some((name, to.mutability.is_none()))
        }
        _ => None,
    }
}
