// The introduction: how a page without a bootstrap gets the identity of a client, and any page after a restart.
(function (internal) {
  'use strict';

  // Seconds that the server has for a new client.
  var PATIENCE = 30;

  // Returns a lane whose proceed() asks until the server has made a client. Calls done(identity), or refused(error).
  internal.introduce = function (transport, application, refused, done) {
    var lane = new internal.Lane(transport, PATIENCE, function () {
      lane.request('connect', {application: application}, 0, function (answer, error) {
        if (!answer.token) { return lane.retry(error.retry); }
        answer.application = application;
        done(answer);
      });
    }, refused);
    // A wrong address is said at once.
    lane.pages = 1;
    return lane;
  };
}(thywill.internal));
