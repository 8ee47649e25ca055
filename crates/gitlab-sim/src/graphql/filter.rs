//! Which issues or merge requests of some projects are asked for, and in which order.

use std::sync::Arc;

use async_graphql::Result;

use super::{
    View,
    connection::{Page, PageArgs, Row},
    scalars::Time,
    sorts::Order,
};
use crate::forge::model::{Item, Kind, State, When};

#[derive(Default)]
pub(crate) struct Span {
    pub(crate) after: Option<Time>,
    pub(crate) before: Option<Time>,
}

impl Span {
    /// Both ends are included, as in GitLab.
    fn holds(&self, when: When) -> bool {
        self.after.is_none_or(|from| when >= from.0) && self.before.is_none_or(|to| when <= to.0)
    }
}

#[derive(Default)]
pub(crate) struct Filter {
    pub(crate) iids: Option<Vec<String>>,
    pub(crate) search: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) updated: Span,
    pub(crate) created: Span,
    pub(crate) order: Order,
}

impl Filter {
    fn fits(&self, view: &View, item: &Item) -> bool {
        let iid = || item.iid.to_string();
        self.updated.holds(item.updated)
            && self.created.holds(item.created)
            && self.iids.as_ref().is_none_or(|iids| iids.contains(&iid()))
            && self.author.as_ref().is_none_or(|name| view.world.people[item.author].username == *name)
            && self.search.as_ref().is_none_or(|text| {
                let text = text.to_lowercase();
                item.title.to_lowercase().contains(&text) || item.description.to_lowercase().contains(&text)
            })
    }

    /// The page of those that the reader may see.
    pub(crate) fn page<N>(
        &self,
        view: &View,
        kind: Kind,
        projects: &[usize],
        state: impl Fn(State) -> bool,
        args: &PageArgs,
        node: impl Fn(Arc<Item>) -> N,
    ) -> Result<Page<N>> {
        let rows = projects
            .iter()
            .flat_map(|&at| view.world.visible_items(view.reader, at, kind))
            .filter(|item| state(item.state) && self.fits(view, item))
            .map(|item| Row { key: self.order.by.key(item), id: item.id, node: node(item.clone()) })
            .collect();
        Page::cut(rows, self.order.descending, args)
    }
}
