import { ProblemError } from "../../providers/common/problem.js";
import { NotATable } from "../../providers/targets/db2/catalog.js";
import type {
  Column,
  Database,
  QueryOptions,
  Row,
  SqlParameter,
  SqlResult,
  Table,
  Transaction,
  TransactionOptions,
} from "../../providers/targets/db2/database.js";
import { Db2Error } from "../../providers/targets/db2/errors.js";

/** One call on the database, as the hooks see it. */
export interface DatabaseOperation {
  readonly name: "query" | "table" | "begin" | "execute" | "commit";
  readonly sql?: string;
}

export interface MemoryDatabaseOptions {
  /** Throws = the operation never reached the server. At a commit: nothing is stored. */
  readonly beforeOperation?: (operation: DatabaseOperation) => void;
  /** Throws = the operation happened and its answer was lost. At a commit: everything is stored. */
  readonly afterOperation?: (operation: DatabaseOperation) => void;
}

interface MemoryTable {
  readonly columns: readonly Column[];
  /** Columns that are declared with " KEY" at their end. */
  readonly primaryKey: readonly string[];
  rows: Record<string, SqlResult>[];
}

const NAME = '"([^"]+)"';
const SELECT = new RegExp(`^SELECT (.+) FROM ${NAME}\\.${NAME}(?: WHERE (.+?))?(?: FETCH FIRST (\\d+) ROWS ONLY)?$`);
const UPDATE = new RegExp(`^UPDATE ${NAME}\\.${NAME} SET (.+) WHERE (.+)$`);
const FIELD = new RegExp(`^(?:CAST\\(${NAME} AS VARCHAR\\(\\d+\\)\\)|${NAME})(?: AS (\\w+))?$`);
const CONDITION = new RegExp(`^(?:CAST\\(${NAME} AS VARCHAR\\(\\d+\\)\\)|${NAME}) (= \\?|IS NULL)$`);

/**
 * A modelled database: tables in memory, and exactly the few shapes of statements that the code under test sends; any other
 * statement is an error, as a wrong one is at a server. A stand-in: it proves our code, not Db2.
 */
export class MemoryDatabase implements Database {
  /** Every UPDATE that was committed, in order. */
  readonly written: string[] = [];
  /** Transactions that were for a question only. */
  rolledBack = 0;
  /** What certain SELECTs give, word for word; a function may throw. */
  readonly answers = new Map<string, () => readonly Row[]>();
  /** The same for statements that are known by a part of them. */
  readonly patterns: [RegExp, () => readonly Row[]][] = [];
  /** What the catalog says of names that are no tables. */
  readonly notTables = new Map<string, string>();
  #tables = new Map<string, MemoryTable>();
  #open: { tables: Map<string, MemoryTable>; written: string[] } | undefined;

  constructor(
    readonly name: string,
    private readonly options: MemoryDatabaseOptions = {},
  ) {}

  // What a test arranges and looks at; no hook sees it.

  /** @param columns name → "TYPE(length)", or "TYPE"; " KEY" after it makes it part of the primary key */
  put(table: string, columns: Readonly<Record<string, string>>, ...rows: Record<string, SqlResult>[]): void {
    this.#tables.set(table, {
      columns: Object.entries(columns).map(([name, declared]) => {
        const [, type = "", length = "4"] = /^([A-Z ]+?)(?:\((\d+)\))?(?: KEY)?$/.exec(declared) ?? [];
        return { name, type, length: Number(length), nullable: true };
      }),
      primaryKey: Object.keys(columns).filter((name) => columns[name]?.endsWith(" KEY")),
      rows,
    });
  }

  drop(table: string): void {
    this.#tables.delete(table);
  }

  rows(table: string): Record<string, SqlResult>[] {
    return this.#tables.get(table)?.rows ?? [];
  }

  // Database

  query(sql: string, parameters: readonly SqlParameter[] = [], options: QueryOptions = {}): Promise<readonly Row[]> {
    return this.#operation({ name: "query", sql }, () => this.#select(this.#tables, sql, parameters, options));
  }

  table(schema: string, name: string): Promise<Table | undefined> {
    return this.#operation({ name: "table" }, () => this.#table(this.#tables, schema, name));
  }

  async transaction<T>(
    work: (transaction: Transaction) => Promise<T>,
    { rollBack = false }: TransactionOptions = {},
  ): Promise<T> {
    if (rollBack) this.rolledBack++;
    const open = { tables: new Map(structuredClone([...this.#tables])), written: [] as string[] };
    this.#open = open;
    // Hooks see the question that such a transaction is for, as they see one outside of any.
    if (!rollBack) await this.#operation({ name: "begin" }, () => undefined);
    const value = await work({
      query: (sql, parameters = [], options = {}) =>
        this.#operation({ name: "query", sql }, () => this.#select(open.tables, sql, parameters, options)),
      table: (schema, name) => this.#operation({ name: "table" }, () => this.#table(open.tables, schema, name)),
      execute: (sql, parameters = []) =>
        this.#operation({ name: "execute", sql }, () => {
          const count = update(open.tables, sql, parameters);
          if (count > 0) open.written.push(`${sql} ${JSON.stringify(parameters)}`);
          return count;
        }),
      readLob: () => Promise.reject(new Error("not modelled")),
      writeLob: () => Promise.reject(new Error("not modelled")),
    });
    if (rollBack) return value;
    try {
      await this.#operation({ name: "commit" }, () => {
        this.#tables = open.tables;
        this.written.push(...open.written);
      });
    } catch {
      throw new Db2Error(
        "unknown-outcome",
        { where: this.name, found: "the connection was lost while committing" },
        0,
        "",
      );
    }
    return value;
  }

  async close(): Promise<void> {}

  /** Somebody else changes a row, behind the code's back; also while a transaction of ours is open. */
  set(table: string, values: Record<string, SqlResult>, of: (row: Row) => boolean = () => true): void {
    for (const tables of [this.#tables, this.#open?.tables]) {
      for (const row of tables?.get(table)?.rows ?? []) if (of(row)) Object.assign(row, values);
    }
  }

  #table(tables: ReadonlyMap<string, MemoryTable>, schema: string, name: string): Table | undefined {
    const where = `${schema}.${name}`;
    const found = this.notTables.get(where);
    if (found) throw new NotATable("refused", { where, found, allowed: "a table" });
    return tableOf(tables, schema, name);
  }

  async #operation<T>(operation: DatabaseOperation, act: () => T): Promise<T> {
    this.options.beforeOperation?.(operation);
    const result = act();
    this.options.afterOperation?.(operation);
    return result;
  }

  #select(
    tables: ReadonlyMap<string, MemoryTable>,
    sql: string,
    parameters: readonly SqlParameter[],
    { maxRows = 10_000 }: QueryOptions,
  ): readonly Row[] {
    const answer = this.answers.get(sql) ?? this.patterns.find(([pattern]) => pattern.test(sql))?.[1];
    if (answer) return answer();
    const [, fields = "", schema, name, where, first] = SELECT.exec(sql) ?? fail(`no such SELECT: ${sql}`);
    const table = tables.get(`${schema}.${name}`) ?? fail(`SQL0204N ${schema}.${name} is an undefined name`, "missing");
    const found = table.rows
      .filter(matching(table, where, parameters))
      .slice(0, Number(first ?? Number.MAX_SAFE_INTEGER));
    if (found.length > maxRows) fail("too many rows");
    return found.map((row) =>
      Object.fromEntries(
        fields.split(/, (?=CAST|")/).map((field) => {
          const [, cast, plain, alias] = FIELD.exec(field) ?? fail(`no such field: ${field}`);
          const column = cast ?? plain ?? "";
          return [alias ?? column, requireColumn(table, column) && (row[column] ?? null)];
        }),
      ),
    );
  }
}

function tableOf(tables: ReadonlyMap<string, MemoryTable>, schema: string, name: string): Table | undefined {
  const table = tables.get(`${schema}.${name}`);
  if (!table) return undefined;
  return {
    schema,
    name,
    sql: `"${schema}"."${name}"`,
    columns: table.columns,
    primaryKey: table.primaryKey,
    column: (column) => (requireColumn(table, column) ? `"${column}"` : ""),
  };
}

function update(tables: ReadonlyMap<string, MemoryTable>, sql: string, parameters: readonly SqlParameter[]): number {
  const [, schema, name, sets = "", where] = UPDATE.exec(sql) ?? fail(`no such UPDATE: ${sql}`);
  const table = tables.get(`${schema}.${name}`) ?? fail(`SQL0204N ${schema}.${name} is an undefined name`, "missing");
  const columns = sets
    .split(", ")
    .map((set) => new RegExp(`^${NAME} = \\?$`).exec(set)?.[1] ?? fail(`no such SET: ${set}`));
  const rows = table.rows.filter(matching(table, where, parameters.slice(columns.length)));
  for (const row of rows) {
    for (const [index, column] of columns.entries()) {
      const value = parameters[index];
      const numeric = /INT$|INTEGER/.test(requireColumn(table, column).type);
      if (numeric !== (typeof value === "number")) fail(`SQL0301N the value for ${column} has the wrong type`);
      row[column] = value as SqlResult;
    }
  }
  return rows.length;
}

function matching(table: MemoryTable, where: string | undefined, parameters: readonly SqlParameter[]) {
  let next = 0;
  const conditions = (where?.split(" AND ") ?? []).map((condition) => {
    const [, cast, plain, test] = CONDITION.exec(condition) ?? fail(`no such condition: ${condition}`);
    const column = requireColumn(table, cast ?? plain ?? "").name;
    return { column, value: test === "IS NULL" ? null : parameters[next++] };
  });
  if (next !== parameters.length) fail(`${next} markers and ${parameters.length} values`);
  // Db2 fills the shorter text up with blanks.
  const comparable = (value: unknown) => (typeof value === "string" ? value.trimEnd() : (value ?? null));
  return (row: Row) => conditions.every(({ column, value }) => comparable(row[column]) === comparable(value));
}

const requireColumn = (table: MemoryTable, name: string): Column =>
  table.columns.find((column) => column.name === name) ?? fail(`SQL0206N ${name} is not valid`, "missing");

function fail(found: string, cause: "command-failed" | "missing" = "command-failed"): never {
  throw new ProblemError(cause, { where: "memory database", found });
}
