import { describe, expect, it, vi } from "vitest";
import { RequestError } from "../data/failure";
import { createClient, HttpError } from "./client";

async function failure(asked: Promise<unknown>): Promise<unknown> {
  return asked.then(
    () => null,
    (error: unknown) => error,
  );
}

describe("a failed request", () => {
  it("says its number and its address", async () => {
    vi.spyOn(globalThis, "fetch").mockImplementation(() =>
      Promise.resolve(new Response("Permission denied.", { status: 500 })),
    );
    const client = createClient("http://host/");
    await failure(client.index());
    const error = await failure(client.poll("g"));
    expect(error).toBeInstanceOf(HttpError);
    expect(error).toMatchObject({ origin: { request: 2, url: "http://host/poll?since=g" } });
  });

  it("may be an answer that makes no sense", async () => {
    vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response("[]"));
    const error = await failure(createClient("http://host/").index());
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({ message: "index: expected an object.", origin: { request: 1 } });
  });
});
