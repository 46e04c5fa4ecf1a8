/** More surfaces than this cannot be told apart where one looks through them. */
export const MOST_SHEETS = 2;
