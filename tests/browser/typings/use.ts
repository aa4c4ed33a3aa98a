// How pages use the client. Each line below @ts-expect-error is a mistake that the compiler has to find.
type Stroke = {type: 'stroke'; points: [number, number][]};
type Message = Stroke | {type: 'clear'};

thywill.ready<Message>((client) => {
  const id: string = client.id;
  client.on('message', (data) => data.type);
  client.on('message:stroke', (stroke) => stroke.points.length);
  client.on('message:other', (data) => data.anything);
  client.on('state', (state, detail) => (state === 'waiting' ? detail?.retry : 0));
  client.on('transport', (name) => name === 'longpoll');
  client.on('error', (error) => error.code + error.message);
  client.on('presence', (channel, joined, left) => channel + joined.map((person) => person.name) + left?.length);
  // @ts-expect-error: after a restart of the server it is null
  client.on('presence', (channel, joined, left) => left.length);
  client.on('restart', (unsent) => unsent.forEach((data) => client.send(data)));
  client.off('message', console.log);

  client.send({type: 'clear'}, (error) => error && error.reconnect);
  client.send('anything').then(() => id);
  client.call('add', [1, 2], (error, result: number) => (error ? 0 : result));
  client.call('add', [1, 2], (error, result) => result, {timeout: 5});
  client.call<number>('add', [1, 2], {timeout: 5}).then((sum) => sum.toFixed());
  client.call('reset');
  client.on('ticket', () => client.renew('new').then(() => client.user?.name));
  client.renew('new', (error) => error?.code);
  client.bar = false;
  client.leave();

  // @ts-expect-error: a misspelt event
  client.on('mesage', () => {});
  // @ts-expect-error: a stroke has no colour
  client.on('message:stroke', (stroke) => stroke.colour);
  // @ts-expect-error: the arguments are a list
  client.call('add', 1);
  // @ts-expect-error: an option that there is not
  client.call('add', [1], {seconds: 1});
  // @ts-expect-error: the server chooses the id
  client.id = 'mine';
  // @ts-expect-error: a state that there is not
  client.on('state', (state) => state === 'offline');
  // @ts-expect-error: with a callback there is no promise
  client.send('a', () => {}).then(() => {});
}, (failure) => alert(failure.step === 'connect' ? failure.message : ''));

thywill.connect({server: 'https://example.org/', application: 'chat', bar: false}, (client) => client.leave());
// @ts-expect-error: the application is missing
thywill.connect({server: 'https://example.org/'}, () => {});
// @ts-expect-error: there is no such step
thywill.ready(() => {}, (failure) => failure.step === 'start');

const settings: Partial<typeof thywill> = {transports: ['eventsource', 'longpoll'], bar: false};
Object.assign(window, {thywill: settings});
// @ts-expect-error: there is no such transport
thywill.transports = ['websocket'];
