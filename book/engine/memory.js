/**
 * Arrays given back by hand. A browser comes to collect them only after tens of megabytes, in every
 * worker: with four of them, more than the song that is separated.
 *
 * @param {...{buffer: ArrayBufferLike}} arrays of which nobody uses any part from now on
 */
export function release(...arrays) {
  for (const { buffer } of arrays) {
    // What is sent away leaves nothing behind. Browsers of before 2024 collect in their own time.
    if ("transfer" in buffer) /** @type {any} */ (buffer).transfer(0);
  }
}
