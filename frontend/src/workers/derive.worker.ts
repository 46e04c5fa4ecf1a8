import { reply, type Request } from "./protocol";

// A module of its own, loaded from where the page comes from: TensorBoard's policy allows no other.
self.addEventListener("message", ({ data }: MessageEvent<Request>) => {
  const { message, transfer } = reply(data);
  self.postMessage(message, { transfer });
});
