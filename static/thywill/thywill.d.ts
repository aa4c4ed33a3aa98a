// The types of the browser client, for TypeScript and for editors. A page names the type of its messages by
// thywill.ready<Message>(...).

declare namespace thywill {
  /** An error of a message, a call or a client. Codes are listed in static/README.md. */
  interface Failure {
    code: string;
    message: string;
    /** After how many seconds to try again. */
    retry?: number;
    /** Nobody has ended the client on purpose: the page may connect anew. */
    reconnect?: boolean;
  }

  /** Why a page could not start. */
  interface StartFailure {
    step: 'bootstrap' | 'resources' | 'connect' | 'application';
    message: string;
  }

  type State = 'connecting' | 'connected' | 'waiting' | 'lost' | 'gone';

  /** The detail of a state: `waiting` has `retry`, `lost` has `count`, `gone` has a failure. */
  interface StateDetail extends Partial<Failure> {
    /** How many messages the server had to drop. */
    count?: number;
  }

  /** The transport that brings the messages now. */
  type TransportName = 'xhr-streaming' | 'xdr-streaming' | 'eventsource' | 'htmlfile' | 'longpoll' | 'iframe' | 'jsonp';

  /** Somebody in a channel, the same for all pages of a browser. */
  interface Person {
    id: string;
    user?: string;
    name?: string;
  }

  interface CallOptions {
    /** Seconds from the call until it fails with the code `timeout`. Without it a call waits as long as the client lives. */
    timeout?: number;
  }

  /** The listeners of each event, by its name. */
  interface Events<Message> {
    message: (data: Message) => void;
    state: (state: State, detail?: StateDetail) => void;
    transport: (name: TransportName) => void;
    /** The server has refused an accepted message, or its hook failed. */
    error: (error: Failure) => void;
    presence: (channel: string, joined: Person[], left: Person[] | null) => void;
    /** The ticket ends soon: get a new one, and call `client.renew`. */
    ticket: () => void;
    /** The client has begun anew, since the server did not know it any more. */
    restart: (unsent: unknown[]) => void;
  }

  /** The messages with `type: Type` among all messages. */
  type OfType<Message, Type extends string> = [Extract<Message, {type: Type}>] extends [never]
    ? {type: Type; [field: string]: any}
    : Extract<Message, {type: Type}>;

  interface Client<Message = any> {
    readonly id: string;
    readonly application: string;
    /** The parameters that the application's `bootstrap` hook has set on the server. */
    readonly parameters: Record<string, any>;
    /** The user that a ticket or the application has named. */
    readonly user: {id: string; name?: string} | null;
    readonly state: State;
    readonly transport: TransportName | null;
    /** Messages that the server had not accepted when the client ended. */
    readonly unsent: unknown[];
    /** Whether the connection bar may be shown. */
    bar: boolean;

    /** A misspelt event throws. */
    on<Name extends keyof Events<Message>>(event: Name, listener: Events<Message>[Name]): void;
    on<Type extends string>(event: `message:${Type}`, listener: (data: OfType<Message, Type>) => void): void;
    off<Name extends keyof Events<Message>>(event: Name, listener: Events<Message>[Name]): void;
    off<Type extends string>(event: `message:${Type}`, listener: (data: OfType<Message, Type>) => void): void;

    /** Sends one JSON value. The callback gets no error when the server has accepted it. */
    send(data: unknown, callback: (error: Failure | null) => void): void;
    /** Sends one JSON value. Where the browser has promises, the one returned is settled when the server has accepted it. */
    send(data: unknown): Promise<void>;

    /** Calls an `@rpc` method. */
    call<Result = any>(
      method: string,
      parameters: readonly unknown[],
      callback: (error: Failure | null, result: Result) => void,
      options?: CallOptions
    ): void;
    /** Calls an `@rpc` method; needs a browser that has promises. They are rejected with a Failure. */
    call<Result = any>(method: string, parameters?: readonly unknown[], options?: CallOptions): Promise<Result>;

    /** Replaces the client's ticket by a new one of the same user. */
    renew(ticket: string, callback: (error: Failure | null) => void): void;
    renew(ticket: string): Promise<void>;

    /** Ends the client, here and on the server. */
    leave(): void;
  }

  interface ConnectOptions {
    /** The address of the server's list of applications. */
    server: string;
    application: string;
    /** Names the user; made by the page's own site. */
    ticket?: string;
    /** `false`: no connection bar. */
    bar?: false;
  }

  /** Calls `ready` when the client is connected and the application's scripts are loaded. */
  function ready<Message = any>(ready: (client: Client<Message>) => void, failed?: (failure: StartFailure) => void): void;

  /** As `ready`, in a page of another origin. */
  function connect<Message = any>(
    options: ConnectOptions,
    ready: (client: Client<Message>) => void,
    failed?: (failure: StartFailure) => void
  ): void;

  /** The order of the transports; set it in `window.thywill` before the client's script. */
  let transports: TransportName[] | undefined;

  /** `false`: no connection bar; set it in `window.thywill` before the client's script. */
  let bar: false | undefined;

  /** The source of all times and timers of the client. Tests may replace it. */
  const clock: {
    now(): number;
    set(action: () => void, milliseconds: number): unknown;
    clear(timer: unknown): void;
  };
}
