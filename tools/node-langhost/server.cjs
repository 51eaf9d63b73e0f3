"use strict";
const children = require("./children.cjs");
const { declaredPackages, resourcePackages } = require("./packages.cjs");
const { installDependencies, runPlugin } = require("./plugins.cjs");
const { runProgram } = require("./program.cjs");

/** Programs with many resources send requests beyond gRPC's default of 4 MB. */
const UNLIMITED = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

/** The gRPC server of pulumirpc.LanguageRuntime, not yet listening. */
function createServer(sdk, engineAddress) {
  const server = new sdk.grpc.Server(UNLIMITED);
  server.addService(sdk.Service, {
    ...each(questions(sdk, engineAddress), (answer) => asUnary(sdk, answer)),
    ...each({ runPlugin, installDependencies }, (work) => asStream(sdk, work)),
  });
  return server;
}

/** Calls with one answer; each gets the request and gives the response or a promise of it. */
function questions(sdk, engineAddress) {
  const { language, plugin } = sdk;
  const rootOf = (request) => request.getInfo()?.getRootDirectory() || process.cwd();
  return {
    handshake: () => new language.LanguageHandshakeResponse(),
    getPluginInfo: () => filled(new plugin.PluginInfo(), { Version: sdk.version }),
    about: () => filled(new language.AboutResponse(), { Executable: process.execPath, Version: process.version }),
    run: (request) => runProgram(sdk, request, engineAddress),
    cancel: () => {
      children.interruptAll();
      return new sdk.Empty();
    },
    getRequiredPackages: (request) =>
      filled(new language.GetRequiredPackagesResponse(), {
        PackagesList: resourcePackages(rootOf(request)).map(({ name, version, server }) =>
          filled(new plugin.PackageDependency(), { Kind: "resource", Name: name, Version: version, Server: server }),
        ),
      }),
    getRequiredPlugins: () => new language.GetRequiredPluginsResponse(),
    getProgramDependencies: (request) =>
      filled(new language.GetProgramDependenciesResponse(), {
        DependenciesList: declaredPackages(rootOf(request)).map(({ name, version }) =>
          filled(new language.DependencyInfo(), { Name: name, Version: version }),
        ),
      }),
    runtimeOptionsPrompts: () => new language.RuntimeOptionsResponse(),
    template: () => new language.TemplateResponse(),
  };
}

function asUnary(sdk, answer) {
  return async (call, done) => {
    try {
      done(null, await answer(call.request));
    } catch (error) {
      done({ code: sdk.grpc.status.UNKNOWN, details: error.message });
    }
  };
}

function asStream(sdk, work) {
  return async (call) => {
    try {
      await work(sdk, call);
      call.end();
    } catch (error) {
      call.destroy({ code: sdk.grpc.status.UNKNOWN, details: error.message });
    }
  };
}

/** A protobuf message with the named setters called. */
function filled(message, values) {
  for (const [field, value] of Object.entries(values)) message[`set${field}`](value);
  return message;
}

function each(object, wrap) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, wrap(value)]));
}

module.exports = { createServer };
