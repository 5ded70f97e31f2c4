/** People of the site: roles, invitations, password resets, and the audit log. */
import { useState } from 'preact/hooks';
import type { Refusal, Role } from '../api/control.ts';
import { useApp } from '../ui/context.ts';
import { useManage, useRead } from './context.ts';
import { Answered, Line, Lines, Refused, RemoveButton, Secret } from './parts.tsx';

const ROLES: readonly Role[] = ['viewer', 'editor', 'owner'];
type Person = { id: number; name: string; roles: Record<string, Role>; second_factor: boolean };

const absolute = (path: string): string => new URL(path, location.href).href;

export function People() {
  const { control, site, me, w, announce, focusHeading } = useManage();
  const { answer, reload } = useRead<{ people: Person[] }>('/api/people');
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [link, setLink] = useState<{ label: string; url: string } | null>(null);

  async function change(method: string, path: string, body: unknown, done: string): Promise<void> {
    const answer = await control.send(method, path, body);
    setRefusal(answer.ok ? null : answer.refusal);
    await reload();
    if (answer.ok) announce(done);
    focusHeading();
  }
  async function requestLink(path: string, body: unknown, label: string): Promise<void> {
    const answer = await control.send<{ path: string }>('POST', path, body);
    setRefusal(answer.ok ? null : answer.refusal);
    if (answer.ok) setLink({ label, url: absolute(answer.value.path) });
  }
  return (
    <Answered answer={answer} reload={reload}>
      {({ people }) => (
        <>
          <Lines isEmpty={people.length === 0}>
            {people.map((one) => {
              const everywhere = one.roles['*'];
              const facts = [
                ...(everywhere ? [`${w(`role.${everywhere}`)}, ${w('people.every')}`] : []),
                ...(one.second_factor ? [w('people.factor')] : []),
              ];
              return (
                <Line key={one.id} name={one.name} description={facts.join('; ')}>
                  {!everywhere && (
                    <RoleForm
                      key={one.roles[site] ?? ''}
                      name={one.name}
                      role={one.roles[site] ?? null}
                      onSave={(role) => {
                        const path = `/api/people/${one.id}/role`;
                        void change('PUT', path, { site, role }, w('saved', { name: one.name }));
                      }}
                    />
                  )}
                  {one.id !== me.id && (
                    <>
                      <button
                        type="button"
                        class="button is-quiet"
                        onClick={() =>
                          void requestLink(
                            `/api/people/${one.id}/reset`,
                            {},
                            w('people.resetText', { name: one.name }),
                          )
                        }
                      >
                        {w('people.reset', { name: one.name })}
                      </button>
                      <RemoveButton
                        name={one.name}
                        onConfirm={() =>
                          void change(
                            'DELETE',
                            `/api/people/${one.id}`,
                            undefined,
                            w('removed', { name: one.name }),
                          )
                        }
                      />
                    </>
                  )}
                </Line>
              );
            })}
          </Lines>
          <form
            class="manage-form is-row"
            onSubmit={(event) => {
              event.preventDefault();
              const role =
                ROLES.find((one) => one === new FormData(event.currentTarget).get('role')) ?? 'viewer';
              const label = w('people.invited', { role: w(`role.${role}`) });
              void requestLink('/api/people/invitations', { site, role }, label);
            }}
          >
            <label class="field">
              <span>{w('people.invite')}</span>
              <select name="role">
                {ROLES.map((role) => (
                  <option key={role} value={role}>
                    {w(`role.${role}`)}
                  </option>
                ))}
              </select>
            </label>
            <button type="submit" class="button is-main">
              {w('people.inviteSubmit')}
            </button>
          </form>
          <Refused refusal={refusal} />
          {link && <Secret key={link.url} label={link.label} text={link.url} />}
          <Audit />
        </>
      )}
    </Answered>
  );
}

/** A role changes on Save only: arrow keys pass through all roles of the list. */
function RoleForm(props: { name: string; role: Role | null; onSave: (role: Role | null) => void }) {
  const { w } = useManage();
  const [role, setRole] = useState(props.role);
  return (
    <form
      class="manage-actions"
      onSubmit={(event) => {
        event.preventDefault();
        props.onSave(role);
      }}
    >
      <select
        aria-label={w('people.role', { name: props.name })}
        value={role ?? ''}
        onChange={(event) => setRole(ROLES.find((one) => one === event.currentTarget.value) ?? null)}
      >
        <option value="">{w('role.none')}</option>
        {ROLES.map((one) => (
          <option key={one} value={one}>
            {w(`role.${one}`)}
          </option>
        ))}
      </select>
      {role !== props.role && (
        <button type="submit" class="button">
          {w('save')}
        </button>
      )}
    </form>
  );
}

/** Loaded each time it is opened, so that it includes what was just done. */
function Audit() {
  const { w } = useManage();
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="audit" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{w('audit.title')}</summary>
      {isOpen && <AuditTable />}
    </details>
  );
}

function AuditTable() {
  const { fmt } = useApp();
  const { w } = useManage();
  const { answer, reload } = useRead<{
    entries: { at: string; who: string; what: string; site: string; subject: string }[];
  }>('/api/audit');
  return (
    <Answered answer={answer} reload={reload}>
      {({ entries }) => (
        <table class="list">
          <caption class="sr">{w('audit.title')}</caption>
          <thead>
            <tr>
              <th scope="col">{w('audit.when')}</th>
              <th scope="col">{w('audit.who')}</th>
              <th scope="col">{w('audit.what')}</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <tr key={`${entry.at} ${entry.who} ${entry.what} ${entry.subject}`}>
                <td>
                  {fmt.range({ from: entry.at.slice(0, 10), to: entry.at.slice(0, 10) })}{' '}
                  {entry.at.slice(11, 16)} UTC
                </td>
                <td>{entry.who}</td>
                <td>
                  <code>{entry.what}</code> {entry.site} {entry.subject}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Answered>
  );
}
