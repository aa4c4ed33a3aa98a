// Asks the server for the identity of a client: in a page without a bootstrap, and in any page after
// a restart of the server. It also sends new tickets.
(function (internal) {
  'use strict';

  // Seconds in which the server has to answer.
  var TIMEOUT = 30;

  // Returns a requester whose proceed() sends the request until an answer has the field. Calls done(answer) or refused(error).
  internal.ask = function (transport, operation, fields, field, done, refused) {
    var requester = new internal.Requester(transport, TIMEOUT, function () {
      requester.request(operation, fields, 0, function (answer, error) {
        if (field in answer) { done(answer); } else { requester.retry(error.retry); }
      });
    }, refused);
    // The page of a proxy, such as at a wrong address, is final at once.
    requester.pages = 1;
    return requester;
  };
}(thywill.internal));
