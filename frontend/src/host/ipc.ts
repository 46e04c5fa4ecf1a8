interface Message {
  readonly type: string;
  readonly id: number;
  readonly payload: unknown;
  readonly error: string | null;
  readonly isReply: boolean;
}

/** TensorBoard's "experimental" message channel to a plugin's iframe. */
export class Ipc {
  private readonly port: MessagePort;
  private readonly waiting = new Map<number, (message: Message) => void>();
  private readonly listeners = new Map<string, (payload: unknown) => void>();
  private lastId = 0;

  constructor(parent: Window) {
    const channel = new MessageChannel();
    this.port = channel.port1;
    this.port.onmessage = (event) => this.receive(event.data);
    parent.postMessage("experimental.bootstrap", "*", [channel.port2]);
  }

  /** Ask TensorBoard; rejects when it does not answer in time. */
  request(type: string, payload: unknown = null, timeout = 3000): Promise<unknown> {
    const id = (this.lastId += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Error(`TensorBoard did not answer ${type}.`));
      }, timeout);
      this.waiting.set(id, (message) => {
        clearTimeout(timer);
        this.waiting.delete(id);
        if (message.error === null) resolve(message.payload);
        else reject(new Error(message.error));
      });
      this.send({ type, id, payload, error: null, isReply: false });
    });
  }

  on(type: string, listener: (payload: unknown) => void): void {
    this.listeners.set(type, listener);
  }

  private receive(data: unknown): void {
    const message = parse(data);
    if (!message) return;
    if (message.isReply) {
      this.waiting.get(message.id)?.(message);
      return;
    }
    this.listeners.get(message.type)?.(message.payload);
    this.send({ type: message.type, id: message.id, payload: null, error: null, isReply: true });
  }

  private send(message: Message): void {
    this.port.postMessage(JSON.stringify(message));
  }
}

function parse(data: unknown): Message | null {
  try {
    const message: unknown = typeof data === "string" ? JSON.parse(data) : data;
    if (typeof message !== "object" || message === null) return null;
    const { type, id, payload, error, isReply } = message as Record<string, unknown>;
    if (typeof type !== "string" || typeof id !== "number") return null;
    return {
      type,
      id,
      payload,
      error: typeof error === "string" ? error : null,
      isReply: isReply === true,
    };
  } catch {
    return null;
  }
}
