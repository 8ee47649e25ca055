//! Room in a window: what a message takes of it until it is acknowledged.

use std::sync::Arc;
use tokio::sync::Semaphore;

/// Part of a window. It is given back when this goes, or together with others.
#[derive(Debug)]
pub(crate) struct Room {
    window: Arc<Semaphore>,
    kib: usize,
}

impl Room {
    /// Waits for so much of a window; none: it was closed.
    pub(crate) async fn take(window: Arc<Semaphore>, kib: usize) -> Option<Self> {
        let wanted = u32::try_from(kib).unwrap_or(u32::MAX);
        match window.try_acquire_many(wanted) {
            Ok(room) => room.forget(),
            Err(_) => window.acquire_many(wanted).await.ok()?.forget(),
        }
        Some(Self { window, kib })
    }

    /// Gives many back at once: each on its own would wake whoever waits for room.
    pub(crate) fn give_back(rooms: impl Iterator<Item = Self>) {
        let (mut all, mut window) = (0, None);
        for mut room in rooms {
            all += std::mem::take(&mut room.kib);
            // All that one receiver acknowledges is of one window.
            window.get_or_insert_with(|| Arc::clone(&room.window));
        }
        if let Some(window) = window {
            window.add_permits(all);
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.kib > 0 {
            self.window.add_permits(self.kib);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_is_given_back_once_however_it_goes() {
        let window = Arc::new(Semaphore::new(8));
        let mut rooms = Vec::new();
        for kib in [1, 2, 3] {
            rooms.push(Room::take(Arc::clone(&window), kib).await.unwrap());
        }
        assert_eq!(window.available_permits(), 2);
        drop(rooms.pop());
        assert_eq!(window.available_permits(), 5);
        Room::give_back(rooms.into_iter());
        assert_eq!(window.available_permits(), 8);
    }
}
