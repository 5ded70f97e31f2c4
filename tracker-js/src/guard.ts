// Error handling: no exception of the tracker reaches the page. The event is dropped instead.

/** Wraps `act` so that it returns undefined instead of throwing. */
export const guard =
  <Args extends unknown[], Result>(act: (...args: Args) => Result) =>
  (...args: Args): Result | undefined => {
    try {
      return act(...args);
    } catch {}
  };
