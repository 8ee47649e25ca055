// Keeps relative times fresh. The words are those of `pages/words.rs`.

export function relative(at, now) {
  const ago = now - at;
  const seconds = Math.floor(Math.abs(ago) / 1000);
  if (seconds < 5) return "just now";
  if (seconds >= 14 * 86400) return new Date(at).toISOString().slice(0, 10);
  const amount =
    seconds < 60 ? `${seconds} s`
    : seconds < 3600 ? `${Math.floor(seconds / 60)} min`
    : seconds < 86400 ? `${Math.floor(seconds / 3600)} h`
    : `${Math.floor(seconds / 86400)} d`;
  return ago < 0 ? `in ${amount}` : `${amount} ago`;
}

function refresh() {
  if (document.hidden) return;
  const now = Date.now();
  for (const time of document.querySelectorAll("time[datetime]:not([data-fixed])")) {
    const words = relative(Date.parse(time.dateTime), now);
    if (time.textContent !== words) time.textContent = words;
  }
}

setInterval(refresh, 10_000);
document.addEventListener("visibilitychange", refresh);
