// Silence: the page's own work goes first, and an event that cannot be counted is lost.

/** Makes `act` return nothing where it would throw. */
export const guard =
  <Args extends unknown[], Result>(act: (...args: Args) => Result) =>
  (...args: Args): Result | undefined => {
    try {
      return act(...args);
    } catch {}
  };
