'use strict';

// faye: everyone subscribes to /all and to a channel of its own for the echo.
const base = require('./base');
const {NodeAdapter} = require('faye');

const bayeux = new NodeAdapter({mount: '/faye', timeout: 45});
const server = base.make(function (text) { bayeux.getClient().publish('/all', text); });
bayeux.attach(server);
base.listen(server);
