// What a command that talks to the server begins with: its settings, the address, the key and the client.
import type { Command } from 'commander';
import { createClient } from './client.ts';
import type { Client } from './client.ts';
import { commonOptions } from './command.ts';
import type { Cli } from './command.ts';
import { locate, readConfig, readKey } from './location.ts';
import type { Location } from './location.ts';

export interface Session {
  readonly json: boolean;
  readonly location: Location;
  readonly client: Client;
}

export async function openSession(cli: Cli, command: Command): Promise<Session> {
  const options = commonOptions(command);
  const location = await locate(await readConfig(cli.env, options));
  return sessionAt(cli, location, options.json === true);
}

async function sessionAt(cli: Cli, location: Location, json: boolean): Promise<Session> {
  const key = await readKey(location);
  return { json, location, client: createClient({ url: location.url, key, self: cli.self }) };
}
