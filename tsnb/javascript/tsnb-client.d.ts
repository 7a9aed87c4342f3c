/** Anything a model can be sent: text, bytes, a file, a form, or whatever JSON can hold. */
export type Data = string | Blob | ArrayBuffer | ArrayBufferView | FormData | object | number | boolean | null;

export interface ClientOptions {
  /** The notebook server's token, or the inference key of `tsnb serve`. */
  token?: string;
  /** Where models are managed. Default: port 8081 beside port 8080, else the same URL. */
  managementUrl?: string;
  /** The management key of `tsnb serve`. Default: `token`. */
  managementToken?: string;
  /** What to use in place of the global fetch. */
  fetch?: (address: string, options: RequestInit) => Promise<Response>;
}

export interface PredictOptions {
  /** Default: the model's default version. */
  version?: string;
  headers?: Record<string, string>;
  /** Cancels the request and the work behind it. */
  signal?: AbortSignal;
  /** In place of the one that `data` suggests. */
  contentType?: string;
}

export interface StreamOptions extends PredictOptions {
  /** Yield bytes in place of text. */
  binary?: boolean;
}

export interface ListedModel {
  modelName: string;
  modelUrl: string;
}

export interface DescribedWorker {
  id: string;
  startTime: string;
  status: string;
  memoryUsage: number;
  pid: number;
  gpu: boolean;
  gpuUsage: string;
}

export interface DescribedModel {
  modelName: string;
  modelVersion: string;
  /** Functions of workflows have none. */
  modelUrl?: string;
  runtime: string;
  minWorkers: number;
  maxWorkers: number;
  batchSize: number;
  maxBatchDelay: number;
  responseTimeout: number;
  startupTimeout: number;
  loadedAtStartup: boolean;
  workers: DescribedWorker[];
  jobQueueStatus: { remainingCapacity: number; pendingRequests: number };
  /** What else the server says of it. */
  [more: string]: unknown;
}

export interface Status {
  status: string;
}

export interface RegisterOptions {
  name?: string;
  /** Workers to start. Default: 1. */
  workers?: number;
  batchSize?: number;
  /** Milliseconds. */
  maxBatchDelay?: number;
  handler?: string;
  /** Whether to wait until the workers are ready. Default: true. */
  wait?: boolean;
}

/** What the server said no to. */
export class ServerError extends Error {
  /** The HTTP status, 0 when the server could not be reached. */
  readonly status: number;
  /** The server's name for the error, such as ModelNotFoundException. */
  readonly type: string;
  readonly requestId: string;
  constructor(message: string, facts?: { status?: number; type?: string; requestId?: string; cause?: unknown });
}

/** A server at a URL: `http://localhost:8888/tsnb` in a notebook server, `http://localhost:8080` stand-alone. */
export class Client {
  readonly url: string;
  readonly managementUrl: string;
  constructor(url: string, options?: ClientOptions);
  ping(): Promise<boolean>;
  predict<Answer = unknown>(name: string, data: Data, options?: PredictOptions): Promise<Answer>;
  send(name: string, data: Data, options?: PredictOptions): Promise<Response>;
  stream(name: string, data: Data, options: StreamOptions & { binary: true }): AsyncGenerator<Uint8Array, void>;
  stream(name: string, data: Data, options?: StreamOptions): AsyncGenerator<string, void>;
  models(): Promise<ListedModel[]>;
  describe(name: string, options?: { version?: string }): Promise<DescribedModel[]>;
  register(url: string, options?: RegisterOptions): Promise<Status>;
  scale(name: string, workers: number, options?: { version?: string; most?: number; wait?: boolean }): Promise<Status>;
  setDefault(name: string, version: string): Promise<Status>;
  unregister(name: string, options?: { version?: string }): Promise<Status>;
  address(name: string, version?: string): string;
}
