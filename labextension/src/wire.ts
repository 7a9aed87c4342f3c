/**
 * What travels between the notebook server and this page. Written by wire.py from the structs in Python: do not edit.
 */

export interface Frame {
  filename: string;
  lineno: number;
  function: string;
  source: string;
}

export interface Failure {
  type: string;
  message: string;
  stage: string;
  frames: Frame[];
  traceback: string;
  inputs: string;
  output: string;
  model: string;
  version: string;
  worker: string;
  request_ids: string[];
}

export interface LogLine {
  time: number;
  worker: string;
  stream: string;
  text: string;
  level: string;
  request_ids: string[];
}

export interface Device {
  index: number;
  name: string;
  memory_total: number;
  memory_used: number;
  utilization: number;
}

export interface Scaled {
  name: string;
  version: string;
  wanted: number;
  running: number;
}

export interface Worker {
  id: string;
  state: 'starting' | 'loading' | 'ready' | 'stopped' | 'failed';
  pid: number;
  device: string;
  memory: number;
  gpu_memory: number;
  started: number;
  requests: number;
  restarts: number;
  problem: string;
}

export interface Version {
  name: string;
  version: string;
  default: boolean;
  url: string;
  handler: string;
  build: number;
  min_workers: number;
  max_workers: number;
  batch_size: number;
  queued: number;
  queue_size: number;
  requests: number;
  errors: number;
  latency: number;
  workers: Worker[];
}

export interface Crash {
  number: number;
  time: number;
  model: string;
  version: string;
  worker: string;
  given_up: boolean;
  failure: Failure;
}

export interface Totals {
  ready: number;
  workers: number;
  queued: number;
}

export interface Change {
  kind: 'models' | 'figures' | 'crash';
  totals: Totals;
  crash: Crash | null;
}

export interface Overview {
  running: boolean;
  server: string;
  memory_total: number;
  devices: Device[];
  models: Version[];
  crashes: Crash[];
}

export interface Source {
  name: string;
  role: string;
  text: string;
  cut: boolean;
}

export interface Tensor {
  name: string;
  shape: number[];
  dtype: string;
}

export interface Distance {
  norm: number;
  relative: number;
  largest: number;
  differing: number;
  count: number;
}

export interface FileFacts {
  size: number;
  sha256: string;
}

export interface ValueChange {
  key: string;
  before: unknown;
  after: unknown;
}

export interface TensorChange {
  file: string;
  name: string;
  before: Tensor | null;
  after: Tensor | null;
  distance: Distance | null;
  note: string;
}

export interface FileView {
  size: number;
  sha256: string;
  role: string;
}

export interface TableView {
  tensors: Tensor[];
  note: string;
  kind: string;
  imports: string[];
  parameters: number;
}

export interface ArchiveView {
  path: string;
  model: string;
  version: string;
  handler: string;
  in_archive: boolean;
  manifest: Record<string, unknown>;
  config: Record<string, unknown>;
  provenance: Record<string, unknown>;
  notes: string[];
  files: Record<string, FileView>;
  sources: Source[];
  texts: Source[];
  tensors: Record<string, TableView>;
}

export interface FileChangeView {
  name: string;
  was: string;
  kind: string;
  before: FileFacts | null;
  after: FileFacts | null;
  lines: string[];
}

export interface DiffView {
  files: FileChangeView[];
  manifest: ValueChange[];
  config: ValueChange[];
  requirements: ValueChange[];
  tensors: TensorChange[];
  made: ValueChange[];
  notes: string[];
}

export interface Order {
  model_name: string;
  version: string;
  handler: string;
  serialized_file?: string;
  model_file?: string;
  requirements_file?: string;
  config_file?: string;
  extra_files?: string[];
  force?: boolean;
}

export interface Made {
  name: string;
  path: string;
}
